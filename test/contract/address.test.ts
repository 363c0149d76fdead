import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import { describe, it } from "mocha";
import { addressText, urlHost, whyNotReachable } from "../../server/contract/address.ts";

describe("an agent's address", () => {
  it("stands before a port as URLs have it", () => {
    assert.deepEqual([urlHost("10.0.0.7"), urlHost("fd00::7")], ["10.0.0.7", "[fd00::7]"]);
    assert.deepEqual([addressText({ port: 1 }), addressText({ host: "", port: 1 })], ["127.0.0.1:1", "127.0.0.1:1"]);
    assert.equal(addressText({ host: "fd00::7", port: 4001 }), "[fd00::7]:4001");
  });

  it("is an IP address of one machine that others reach", () => {
    for (const host of ["10.0.0.7", "192.168.255.1", "127.0.0.2", "fd00::7", "2001:db8:0:0:0:0:0:1", "::ffff"])
      assert.equal(whyNotReachable(host), undefined, host);
    for (const host of ["", "host.example", "10.0.0", "10.0.0.256", "10.0.0.7.", "fd00:::7", "1:2:3:4:5:6:7", "g::1"])
      assert.match(whyNotReachable(host) ?? "", /is no IP address/, host);
    for (const host of ["0.0.0.0", "::", "0:0::0"]) assert.match(whyNotReachable(host) ?? "", /all addresses/, host);
    for (const host of ["127.0.0.1", "::1"]) assert.match(whyNotReachable(host) ?? "", /listen anyway/, host);
  });

  it("is one for us where it is one for the system", () => {
    const isAddress = (host: string): boolean => !/no IP/.test(whyNotReachable(host) ?? "");
    // Forms with an IPv4 address at the end are not taken.
    const forms = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{1,20}$/));
    fc.assert(
      fc.property(
        forms.filter((host) => !/:.*\./.test(host)),
        (host) => assert.equal(isAddress(host), isIP(host) !== 0, host),
      ),
      { numRuns: 500 },
    );
  });
});
