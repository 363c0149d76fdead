import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MAX_COUNTER } from "../../../../server/core/membership/freshness.ts";
import { Counters } from "../../../../server/core/membership/swim/columns.ts";
import { Dissemination } from "../../../../server/core/membership/swim/dissemination.ts";
import { ProbeOrder } from "../../../../server/core/membership/swim/probe-order.ts";
import { placesOfBits, Starts } from "../../../../server/core/membership/swim/starts.ts";
import { seededRandom } from "../../../../server/core/random.ts";

const MEMBERS = 40;

/** @throws AssertionError unless counters of any size are kept, whatever came before. */
function assertKeeps(make: () => Counters): void {
  const sizes = [2 ** 8, 2 ** 16, 2 ** 32, MAX_COUNTER].map((end) => fc.integer({ min: 0, max: end - 1 }));
  const steps = fc.array(fc.tuple(fc.nat(MEMBERS - 1), fc.oneof(...sizes), fc.nat(5)), { maxLength: 30 });
  fc.assert(
    fc.property(steps, (all) => {
      const counters = make();
      let length = MEMBERS;
      counters.grow(length);
      const expected = new Map<number, number>();
      for (const [place, value, more] of all) {
        counters.set(place, value);
        expected.set(place, value);
        length += more;
        counters.grow(length);
        for (let at = 0; at < length; at++) assert.equal(counters.get(at), expected.get(at) ?? 0);
      }
    }),
    { numRuns: 50 },
  );
}

/** Whom to probe next, as simply as can be: whoever is new is put into a list. */
class PlainOrder extends ProbeOrder {
  readonly #draws = seededRandom("order");
  #order: number[] = [];
  #at = 0;

  constructor() {
    super(seededRandom("unused"));
  }

  override admit(first: number, end: number): void {
    for (let place = first; place < end; place++)
      this.#order.splice(this.#draws.int(this.#at, this.#order.length), 0, place);
  }

  override next(worthIt: (place: number) => boolean): number | undefined {
    if (this.#at === this.#order.length) {
      this.#order = this.#draws.shuffled(this.#order);
      this.#at = 0;
    }
    return this.#order.slice(this.#at++).find(worthIt);
  }
}

/** Passes over those before the first that is new. */
class HastyOrder extends ProbeOrder {
  override admit(first: number, end: number): void {
    super.admit(first, end);
    if (end > first) super.next((place) => place === first);
  }
}

/** @throws AssertionError unless it is the order of the plain one, with the same draws. */
function assertPlainOrder(make: () => ProbeOrder): void {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(30)), { minLength: 1, maxLength: 8 }), (steps) => {
      const [order, plain] = [make(), new PlainOrder()];
      let members = 0;
      for (const [more, probes] of steps) {
        for (const one of [order, plain]) one.admit(members, members + more);
        members += more;
        for (let at = 0; at < probes && members > 0; at++)
          assert.equal(
            order.next(() => true),
            plain.next(() => true),
          );
      }
    }),
    { numRuns: 100 },
  );
}

/** By place, how often it was told; the least told first, and of those the one that came first. */
class PlainNews {
  #all: { readonly place: number; readonly times: number }[] = [];

  add(place: number): void {
    this.delete(place);
    this.#all.push({ place, times: 0 });
  }

  delete(place: number): void {
    this.#all = this.#all.filter((one) => one.place !== place);
  }

  take(most: number, limit: number, except: number | undefined): number[] {
    const taken = this.#all
      .filter(({ place }) => place !== except)
      .toSorted((one, other) => one.times - other.times)
      .slice(0, most);
    for (const { place, times } of taken) {
      this.delete(place);
      if (times + 1 < limit) this.#all.push({ place, times: times + 1 });
    }
    return taken.map(({ place }) => place);
  }

  get size(): number {
    return this.#all.length;
  }

  get only(): number | undefined {
    return this.#all.length === 1 ? this.#all[0]?.place : undefined;
  }
}

/** Forgets the last of what it was told. */
class ForgetsTheLast extends Dissemination {
  override take(...given: Parameters<Dissemination["take"]>): number[] {
    const taken = super.take(...given);
    if (taken.length > 3) this.delete(taken.at(-1) as number);
    return taken;
  }
}

/** @throws AssertionError unless it tells what the plain one does. */
function assertPlainNews(make: () => Dissemination): void {
  const step = fc.record({
    adds: fc.array(fc.nat(MEMBERS - 1), { maxLength: 6 }),
    deletes: fc.array(fc.nat(MEMBERS - 1), { maxLength: 2 }),
    most: fc.nat(8),
    except: fc.option(fc.nat(MEMBERS - 1), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const [all, plain] = [make(), new PlainNews()];
      all.grow(MEMBERS);
      for (const { adds, deletes, most, except } of steps) {
        for (const one of [all, plain]) {
          for (const place of adds) one.add(place);
          for (const place of deletes) one.delete(place);
        }
        assert.deepEqual(all.take(most, 3, except), plain.take(most, 3, except));
        assert.equal(all.size, plain.size);
        assert.equal(all.only, plain.only);
      }
    }),
    { numRuns: 100 },
  );
}

/** Does not notice that something else is known of a member. */
class NeverDeletes extends Starts {
  override delete(): void {}
}

/** @throws AssertionError unless each start is told so often, until something else is known of the member. */
function assertTellsStarts(make: () => Starts): void {
  const limit = 4;
  const step = fc.record({
    adds: fc.array(fc.nat(MEMBERS - 1), { maxLength: 8 }),
    deletes: fc.array(fc.nat(MEMBERS - 1), { maxLength: 2 }),
    tells: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 9 }), (steps, life) => {
      const starts = make();
      starts.grow(MEMBERS);
      const expected = new Map<number, number>();
      const gone = new Set<number>();
      for (const { adds, deletes, tells } of steps) {
        for (const place of adds) {
          if (gone.has(place) || expected.has(place)) continue;
          gone.add(place);
          assert.ok(starts.add(place, life));
          expected.set(place, 0);
        }
        for (const place of deletes) {
          starts.delete(place);
          expected.delete(place);
        }
        for (let left = tells; left > 0; left--) {
          assert.deepEqual(
            starts.places(),
            [...expected.keys()].toSorted((a, b) => a - b),
          );
          if (expected.size === 0) continue;
          assert.deepEqual(placesOfBits(starts.bits()), starts.places());
          starts.tell(limit);
          for (const [place, times] of expected)
            if (times + 1 === limit) expected.delete(place);
            else expected.set(place, times + 1);
        }
        assert.equal(starts.size, expected.size);
      }
    }),
    { numRuns: 100 },
  );
}

describe("what is kept by place", () => {
  it("is a counter of any size, in a column; one that is too narrow is shown", () => {
    assertKeeps(() => new Counters());
    class Narrow extends Counters {
      override set(place: number, value: number): void {
        super.set(place, value % 2 ** 32);
      }
    }
    assert.throws(() => assertKeeps(() => new Narrow()));
  });

  it("is an order in which whoever is new is put anywhere; another one is shown", () => {
    assertPlainOrder(() => new ProbeOrder(seededRandom("order")));
    assert.throws(() => assertPlainOrder(() => new HastyOrder(seededRandom("order"))));
  });

  it("is what is to be told, the least told first; something that is forgotten is shown", () => {
    assertPlainNews(() => new Dissemination());
    assert.throws(() => assertPlainNews(() => new ForgetsTheLast()));
  });

  it("is who started, each told so often until something else is known of it; one that is told all the same is shown", () => {
    assertTellsStarts(() => new Starts());
    assert.throws(() => assertTellsStarts(() => new NeverDeletes()));
  });

  it("is of one life: a start in another one is none of them while there are any", () => {
    const starts = new Starts();
    starts.grow(3);
    assert.deepEqual([starts.add(0, 2), starts.add(1, 3), starts.add(2, 2)], [true, false, true]);
    assert.deepEqual([starts.life, starts.places()], [2, [0, 2]]);
    assert.deepEqual(starts.others(Uint8Array.of(0b111), 2), [1]);
    assert.deepEqual(starts.others(Uint8Array.of(0b111, 1), 3), [0, 1, 2, 8]);
    starts.tell(1);
    assert.deepEqual([starts.size, starts.add(1, 3), starts.life, starts.places()], [0, true, 3, [1]]);
  });

  it("grows while something is to be told", () => {
    const starts = new Starts();
    starts.grow(3);
    starts.add(1, 1);
    starts.grow(20);
    starts.add(17, 1);
    starts.tell(2);
    starts.add(19, 1);
    starts.tell(2);
    assert.deepEqual(starts.places(), [19]);
  });
});
