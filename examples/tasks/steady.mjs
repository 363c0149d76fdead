// Works for the given number of seconds and says so once a second: something to interrupt.
const seconds = Number(process.argv[2] ?? "10");
for (let second = 1; second <= seconds; second++) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  console.log(`second ${second} of ${seconds}, pid ${process.pid}`);
}
