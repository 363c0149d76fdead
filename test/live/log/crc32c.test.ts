import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { crc32c } from "../../../server/live/log/crc32c.ts";

describe("CRC-32C", () => {
  it("gives the values of RFC 3720, appendix B.4", () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, at) => at);
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
    assert.equal(crc32c(ascending), 0x46dd794e);
    assert.equal(crc32c(ascending.toReversed()), 0x113fdb5c);
    assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  });

  it("covers the given stretch alone, whatever its length and place", () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, at) => (at * 37) & 0xff);
    for (let start = 0; start < 9; start++)
      for (let end = start; end < start + 20; end++)
        assert.equal(crc32c(bytes, start, end), crc32c(bytes.slice(start, end)));
  });
});
