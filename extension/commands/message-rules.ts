import type { MessageAction } from "../../server/contract/faults.ts";
import type { CommandContext } from "./context.ts";
import { targetOf } from "./fault-target.ts";
import { injectFailure } from "./faults.ts";

/** "Drop Such Messages" and its like, from the menu of a message: Inject Failure where what shall befall it is chosen already. */
export async function befallMessages(
  commands: CommandContext,
  action: MessageAction["action"],
  argument: unknown,
): Promise<void> {
  const target = targetOf(argument);
  if (target.message === undefined)
    throw new Error("This is about messages like one of the rounds view. Open its context menu there.");
  await injectFailure(commands, { ...target, message: { ...target.message, action } });
}
