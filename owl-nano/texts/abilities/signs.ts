import type { Random } from "../../random.ts";
import { isHeldOutWord } from "../../scenes/held-out.ts";
import type { Scene } from "../../scenes/scene.ts";
import { backgroundName, inWords, isSign, textOf } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";

/** "the sign says", or "it says" of a word beside a thing. */
function says(scene: Scene): string {
  return isSign(scene) ? "the sign says" : "it says";
}

/** "what does the sign say?" */
export function readTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.lines.length === 0 || scene.document !== undefined) return [];
  const text = textOf(scene);
  return [turnOf("scene text", ask("read", telling), `${says(scene)} "${text}".`, [text])];
}

/** "is there any text?" */
export function isTextTurn(scene: Scene, telling: Telling): AskedTurn[] {
  // "no" seldom, since most pictures have no text.
  if (scene.lines.length === 0 && telling.random.chance(0.7)) return [];
  const asked = ask("isText", telling);
  if (scene.document !== undefined) return [turnOf("scene text", asked, "yes, there is text.", ["yes"])];
  if (scene.lines.length > 0)
    return [turnOf("scene text", asked, `yes, it says "${textOf(scene)}".`, ["yes", textOf(scene)])];
  return [turnOf("scene text", asked, "no, there is no text.", ["no"])];
}

/** "what does it say?" where there is nothing to read. */
export function noTextTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.lines.length > 0) return [];
  return [turnOf("scene text", ask("read", telling), "there is no text.", ["no text"])];
}

/** Other than the text by a letter or two. */
function misread(text: string, random: Random): string {
  const letters = [...text];
  const at = letters.flatMap((letter, i) => (/[A-Z]/.test(letter) ? [i] : []));
  if (at.length === 0) return `${text}S`;
  const place = random.pick(at);
  letters[place] = random.pick([..."ABCDEFGHIJKLMNOPRSTUVWY"].filter((letter) => letter !== letters[place]));
  return letters.join("");
}

/** "does it say stop?": yes in half of the cases. */
export function doesItSayTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.lines.length === 0 || scene.document !== undefined) return [];
  const { random, world } = telling;
  const text = textOf(scene);
  const yes = random.chance(0.5);
  const other = random.chance(0.3) ? misread(text, random) : random.pick(world.words).toUpperCase();
  if (!yes && (other === text || other.split(" ").some(isHeldOutWord))) return [];
  const told = yes ? text : other;
  // Quoted words stay capitals; without quotes people write small letters.
  const W = random.chance(0.5) ? `"${told}"` : told.toLowerCase();
  const answer = withVerdict(yes, `it says "${text}"`, `"${told}"`);
  return [turnOf("scene text", ask("doesItSay", telling, { W }), answer, [yes ? "yes" : "no"])];
}

/** How many letters or words, which letter is first, spell it: of a sign's word. */
export function letterTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.lines.length === 0 || scene.document !== undefined) return [];
  const { random } = telling;
  const text = textOf(scene);
  const words = text.split(" ");
  const word = words.join("");
  if (words.length === 2 && random.chance(0.6)) {
    const first = random.chance(0.5);
    const O = first ? "first" : "second";
    const chosen = words[first ? 0 : 1];
    return [turnOf("scene text", ask("wordAt", telling, { O }), `the ${O} word is "${chosen}".`, [chosen])];
  }
  if (!/[A-Z]/.test(text)) return [];
  if (words.length > 1 || random.chance(0.15)) {
    const answer = words.length === 1 ? "there is one word." : `there are ${inWords(words.length)} words.`;
    return [turnOf("scene text", ask("countWords", telling), answer, [inWords(words.length)])];
  }
  if (!/^[A-Z]+$/.test(word)) return [];
  const dice = random.integer(4);
  if (dice === 0) {
    const answer = `"${word}" has ${inWords(word.length)} letter${word.length === 1 ? "" : "s"}.`;
    return [turnOf("scene text", ask("countLetters", telling), answer, [inWords(word.length)])];
  }
  if (dice === 1) {
    const spelled = [...word].join(" ");
    return [turnOf("scene text", ask("spellIt", telling), `it is spelled "${spelled}".`, [spelled])];
  }
  const first = dice === 2;
  const letter = first ? word[0] : word.at(-1)!;
  const answer = `the ${first ? "first" : "last"} letter is "${letter}".`;
  return [turnOf("scene text", ask(first ? "firstLetter" : "lastLetter", telling), answer, [`"${letter}"`])];
}

/** "what color is the sign?" */
export function signColorTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (!isSign(scene)) return [];
  const color = backgroundName(scene);
  return [turnOf("color", ask("signColor", telling), `the sign is ${color}.`, [color])];
}
