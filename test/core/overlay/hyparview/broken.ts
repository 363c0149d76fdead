import { HyParView } from "../../../../server/core/overlay/hyparview/hyparview.ts";
import type { HyParViewMessage, HyParViewReady } from "../../../../server/core/overlay/hyparview/types.ts";

/** A right one whose inputs and outputs are tampered with. */
class Tampered extends HyParView {
  override heard(from: string, message: HyParViewMessage, now: number): void {
    if (this.takes(message)) super.heard(from, message, now);
  }

  override take(): HyParViewReady | undefined {
    const ready = super.take();
    return ready && { ...ready, messages: ready.messages.filter(({ message }) => this.gives(message)) };
  }

  protected takes(_message: HyParViewMessage): boolean {
    return true;
  }

  protected gives(_message: HyParViewMessage): boolean {
    return true;
  }
}

/** Whoever is dropped to make room is not told. */
class DropsInSilence extends Tampered {
  protected override gives(message: HyParViewMessage): boolean {
    return message.type !== "disconnect";
  }
}

/** Asks nobody in the place of those that are gone. */
class ReplacesNobody extends Tampered {
  protected override gives(message: HyParViewMessage): boolean {
    return message.type !== "neighbour";
  }
}

/** Knows nobody but those that it was introduced to. */
class LearnsNothing extends Tampered {
  protected override takes(message: HyParViewMessage): boolean {
    return message.type !== "forwardJoin" && message.type !== "shuffle" && message.type !== "shuffleReply";
  }
}

/** Does not see that others are gone. */
class SeesNoFailure extends Tampered {
  override failed(): void {}
}

/** Has more neighbours than it says to have. */
class TakesAll extends HyParView {
  constructor(...[config, ...rest]: ConstructorParameters<typeof HyParView>) {
    super({ ...config, activeSize: 2 * config.activeSize }, ...rest);
  }
}

export const BROKEN = { DropsInSilence, ReplacesNobody, LearnsNothing, SeesNoFailure, TakesAll };
