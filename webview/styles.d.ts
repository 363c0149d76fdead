/** Style sheets are imported for the bundler, which puts them into dist/webview/<view>.css. */
declare module "*.css";
