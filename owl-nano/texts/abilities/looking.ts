import { COLORS } from "../../concepts/colors.ts";
import { relationOf, type Scene, type Thing } from "../../scenes/scene.ts";
import { agreeing, backgroundName, be, groupsOf, isSign, theOne } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";

/** "what color is the background?" */
export function backgroundTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.document !== undefined || isSign(scene)) return [];
  const color = backgroundName(scene);
  return [turnOf("color", ask("background", telling), `the background is ${color}.`, [color])];
}

/** Things that are the only ones of their kind. */
export function singles(scene: Scene): Thing[] {
  return groupsOf(scene)
    .filter(({ things }) => things.length === 1)
    .map(({ things }) => things[0]);
}

/** Single things whose color has a name. */
function colored(scene: Scene): Thing[] {
  return singles(scene).filter(({ color, subject }) => color !== undefined && subject.kind === "concept");
}

/** "what color is the car?" */
export function colorTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const things = colored(scene);
  if (things.length === 0) return [];
  const { random } = telling;
  const { subject, color } = random.pick(things);
  const alone = scene.things.length === 1 && scene.lines.length === 0;
  const asked =
    alone && random.chance(0.5)
      ? ask("itsColor", telling)
      : ask("color", telling, { X: theOne(subject) }, agreeing(subject));
  const name = COLORS[color!].name;
  return [turnOf("color", asked, `${theOne(subject)} ${be(subject)} ${name}.`, [name])];
}

/** "is the car red?", "is the background blue?": yes in half of the cases. */
export function isColorTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const things = colored(scene);
  const thing = things.length > 0 && random.chance(0.7) ? random.pick(things) : undefined;
  if (thing === undefined && (scene.document !== undefined || isSign(scene))) return [];
  const color = thing?.color ?? scene.background;
  const name = thing === undefined ? "the background" : theOne(thing.subject);
  const alone = thing !== undefined && scene.things.length === 1 && scene.lines.length === 0;
  const X = alone && random.chance(0.4) ? "it" : name;
  const verb = thing === undefined ? "is" : be(thing.subject);
  const yes = random.chance(0.5);
  const told = yes ? color : (color + 1 + random.integer(COLORS.length - 1)) % COLORS.length;
  const agree = thing === undefined || X === "it" ? undefined : agreeing(thing.subject);
  const asked = ask("isColor", telling, { X, C: COLORS[told].name }, agree);
  const answer = withVerdict(yes, `${name} ${verb} ${COLORS[color].name}`, COLORS[told].name);
  return [turnOf("presence", asked, answer, [yes ? "yes" : "no"])];
}

const MIDDLE = 48;

/** Where in the picture a thing is, "on the left", "at the top right"; undefined where that is a matter of taste. */
export function placeOf({ x, y }: Thing): string | undefined {
  const [dx, dy] = [x - MIDDLE, y - MIDDLE];
  const [far, near] = [13, 9];
  if (Math.abs(dx) <= near && Math.abs(dy) <= near) return "in the middle";
  const side = dx < 0 ? "left" : "right";
  const level = dy < 0 ? "top" : "bottom";
  if (Math.abs(dx) > far && Math.abs(dy) <= near) return `on the ${side}`;
  if (Math.abs(dy) > far && Math.abs(dx) <= near) return `at the ${level}`;
  if (Math.abs(dx) > far && Math.abs(dy) > far) return `at the ${level} ${side}`;
  return undefined;
}

/** "where is it?", of a thing alone. */
export function positionTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const [thing, ...rest] = scene.things;
  if (thing === undefined || rest.length > 0 || scene.lines.length > 0) return [];
  const place = placeOf(thing);
  if (place === undefined) return [];
  const known = thing.subject.kind !== "unknown";
  const asked =
    known && telling.random.chance(0.5)
      ? ask("where", telling, { X: theOne(thing.subject) }, agreeing(thing.subject))
      : ask("whereIt", telling);
  const subject = known ? `${theOne(thing.subject)} ${be(thing.subject)}` : "it is";
  return [turnOf("position", asked, `${subject} ${place}.`, [place.split(" ").slice(2).join(" ")])];
}

/** The thing that is clearly farthest to a side; undefined where another is nearly as far. */
export function farthest({ things }: Scene, side: "left" | "right" | "top" | "bottom"): Thing | undefined {
  const reach = ({ x, y }: Thing): number => ({ left: -x, right: x, top: -y, bottom: y })[side];
  const [first, second] = [...things].sort((a, b) => reach(b) - reach(a));
  if (second === undefined || reach(first) - reach(second) < 10) return undefined;
  // Of two things only the axis counts on which they are clearly further apart.
  const relation = { left: "left", right: "right", top: "above", bottom: "below" }[side];
  return things.length > 2 || relationOf(first, second) === relation ? first : undefined;
}
