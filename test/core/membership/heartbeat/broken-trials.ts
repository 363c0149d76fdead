/** What is tried of members that are broken in a thread of their own: each gives what it found, or nothing. */
import {
  accusedByAll,
  fallApart,
  forSeeds,
  KINDS,
  loseFive,
  partition,
  pauseAndResume,
  shortAbsence,
  WAYS_TO_LOSE,
} from "./trials.ts";

function found(trial: () => void): string {
  try {
    trial();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

export function aPause(): string {
  return found(() => forSeeds(10, (seed) => pauseAndResume(seed, 2000)));
}

export function aPartition(): string {
  return found(() => forSeeds(10, (seed) => partition(seed, "cut", false)));
}

export function anEvenPartition(): string {
  return found(() => forSeeds(10, (seed) => partition(seed, "cut", true)));
}

export function aMajorityThatFallsApart(): string {
  return found(() => forSeeds(3, (seed) => fallApart(seed)));
}

export function aShortAbsence(): string {
  return found(() => forSeeds(5, (seed) => shortAbsence(seed, { kind: "star" })));
}

export function accusationsByAll(): string {
  return found(() => forSeeds(5, (seed) => accusedByAll(seed)));
}

export function fiveLost(): string {
  return found(() => forSeeds(3, (seed) => loseFive(seed, "killed at once", { kind: "grid" })));
}

export function fiveLostWithLoss(): string {
  return found(() => {
    for (const kind of KINDS)
      for (const way of WAYS_TO_LOSE) forSeeds(5, (seed) => loseFive(seed, way, { kind, loss: 0.1 }));
  });
}
