import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { Hulls } from "../../../server/core/aggregation/hulls.ts";
import { noPlaces, type PlaceSet, withPlace } from "../../../server/core/aggregation/place-set.ts";
import { EMPTY } from "../../../server/core/aggregation/types.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";

const SIZE = 3;
const of = (...places: readonly number[]): PlaceSet => places.reduce(withPlace, noPlaces(SIZE));
const at = (value: number) => ({ lo: value, hi: value });

describe("the hull of all ratios", () => {
  it("is whole once everybody was heard of, and bounds the next phase", () => {
    const hulls = new Hulls(SIZE, 0, noPlaces(SIZE), at(4));
    hulls.merge(0, of(1), at(1), EMPTY);
    equal(hulls.complete, false);
    throws(() => hulls.advance(3), InvariantViolation);
    hulls.merge(0, of(1, 2), { lo: 1, hi: 9 }, EMPTY);
    deepEqual([hulls.complete, hulls.hull], [true, { lo: 1, hi: 9 }]);
    hulls.advance(3);
    deepEqual([hulls.phase, hulls.bound, hulls.hull, hulls.complete], [1, { lo: 1, hi: 9 }, at(3), false]);
  });

  it("needs nobody who is left out", () => {
    const hulls = new Hulls(SIZE, 0, of(2), at(4));
    hulls.merge(0, of(1), at(1), EMPTY);
    equal(hulls.complete, true);
    deepEqual([hulls.contradicts(of(1)), hulls.contradicts(of(1, 2))], [false, true]);
  });

  it("is known from whoever is ahead, with what was brought there", () => {
    const hulls = new Hulls(SIZE, 0, noPlaces(SIZE), at(4));
    hulls.merge(1, of(1), at(5), { lo: 2, hi: 8 });
    deepEqual([hulls.complete, hulls.phase], [true, 0]);
    hulls.advance(6);
    deepEqual([hulls.bound, hulls.hull, hulls.heard], [{ lo: 2, hi: 8 }, { lo: 5, hi: 6 }, of(0, 1)]);
  });

  it("holds the ratios of parcels that were taken by somebody ahead, and of no others", () => {
    const hulls = new Hulls(SIZE, 0, noPlaces(SIZE), at(4));
    hulls.took(0, -100);
    hulls.took(1, 7);
    hulls.merge(1, of(1, 2), at(5), { lo: 2, hi: 8 });
    hulls.advance(5);
    deepEqual(hulls.hull, { lo: 5, hi: 7 });
  });

  it("listens to nobody from another phase than this one and the next", () => {
    const hulls = new Hulls(SIZE, 0, noPlaces(SIZE), at(4));
    hulls.merge(2, of(1, 2), at(5), at(5));
    deepEqual([hulls.complete, hulls.heard, hulls.hull], [false, of(0), at(4)]);
  });
});
