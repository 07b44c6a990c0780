import type { Random } from "../random.ts";

/** One of the choices, each as likely as its weight says. */
export function pickWeighted<T>(choices: readonly (readonly [number, T])[], random: Random): T {
  const total = choices.reduce((sum, [weight]) => sum + weight, 0);
  let rest = random.next() * total;
  for (const [weight, choice] of choices) {
    rest -= weight;
    if (rest < 0) return choice;
  }
  return choices[0][1];
}
