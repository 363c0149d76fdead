/** Addresses of agents, as people write and read them. */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6_GROUPS = 8;

/** As it stands in a URL, and before a port. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** @param host absent or "": of this machine alone */
export function addressText({ host, port }: { readonly host?: string; readonly port: number }): string {
  return host === undefined || host === "" ? `127.0.0.1:${port}` : `${urlHost(host)}:${port}`;
}

/** Why agents of other hosts cannot reach one there, in words that follow the address; undefined: they can. */
export function whyNotReachable(host: string): string | undefined {
  const groups = ipv6(host);
  if (groups === undefined && !IPV4.test(host)) return "is no IP address, such as 192.168.0.7";
  const zeros = groups?.slice(0, -1).every((group) => group === 0) ?? false;
  if (host === "0.0.0.0" || (zeros && groups?.at(-1) === 0))
    return "stands for all addresses of a machine: name the one at which others reach it";
  if (host === "127.0.0.1" || (zeros && groups?.at(-1) === 1))
    return "is where agents listen anyway, and no other host reaches it";
  return undefined;
}

/** Its eight groups; undefined: it is none (RFC 4291, 2.2, forms 1 and 2). */
function ipv6(host: string): number[] | undefined {
  const halves = host.split("::");
  if (halves.length > 2 || !host.includes(":")) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = IPV6_GROUPS - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}
