import { lines } from "./lines.ts";

/** Short questions that lean on what was said before. */
export const FOLLOWING_WORDINGS = {
  /** X: "the milk", "the dog". */
  andThis: lines(`
    and X?
    what about X?
    how about X?
    and what about X?
    X too?
    now X?
    and now X?
    and X, please?
    could you tell me the same of X?
    please tell me that of X too.
    then X?
    what is it for X?
  `),
  andOther: lines(`
    and the other one?
    what about the other one?
    and the other?
    the other one?
    what is the other one?
    and the other thing?
    what is the other thing?
    and what is the other?
    which thing is the other one?
    tell me what the other one is.
    could you name the other one?
    please name the other one too.
    and what is beside it?
    what else is there?
    what else?
    anything else?
  `),
  /** S: "on the right". */
  andSide: lines(`
    and S?
    what about S?
    and what is S?
    then what is S?
    now S?
    and the thing S?
    what do you see S then?
    and what do you see S?
    could you also tell me what is S?
    please tell me also what is S.
  `),
  inAll: lines(`
    and in all?
    and in total?
    in all?
    how many is that in all?
    and together?
    how many are that together?
    so how many in all?
    all together?
    what is that in total?
    could you add them?
    please add them up.
    and both together?
  `),
  whatThen: lines(`
    what is it then?
    then what is it?
    so what is it?
    what is it really?
    what then?
    what else could it be?
    so what do you see?
    then what do you see?
    could you tell me what it is then?
    please tell me what it is then.
  `),
  itsBackground: lines(`
    and what is behind it?
    and behind it?
    and what color is the background?
    now the background, please.
    on what background is it?
    and the color of the background?
    and its background?
    could you tell me the background too?
  `),
} as const;
