import { StateAutomaton } from "./automaton.ts";
import type { Bound, NumberShape } from "./schema.ts";

/** Digits that a double keeps, whatever they are: a number as it is written is then the number that is read. */
const maxDigits = 15;
/** Digits after the point, or two more than the bounds have where that is more. */
const usualDecimals = 6;
const digit = [0x30, 0x39] as const;
const nonzero = [0x31, 0x39] as const;

/** Numbers of JSON with at most 15 digits before the point, as many after it, and two in the exponent. */
export function numberMachine(shape: NumberShape): StateAutomaton {
  return shape.lower.length + shape.upper.length > 0 ? boundedNumber(shape) : anyNumber(shape.integer);
}

function anyNumber(integer: boolean): StateAutomaton {
  const network = new StateAutomaton();
  const minus = network.state();
  const zero = network.state();
  network.edge(network.start, "-", minus);
  network.edge(network.start, "0", zero);
  if (!integer) network.edge(minus, "0", zero);
  const first = network.state();
  for (const from of [network.start, minus]) network.edge(from, nonzero, first);
  const whole = [zero, first, ...digits(network, first, maxDigits - 1)];
  for (const state of whole) network.end(state);
  if (integer) return network;
  const point = network.state();
  const decimals = digits(network, point, maxDigits);
  const exponent = network.state();
  const signed = network.state();
  for (const sign of "+-") network.edge(exponent, sign, signed);
  const powers = [exponent, signed].flatMap((from) => digits(network, from, 2));
  for (const state of whole) network.edge(state, ".", point);
  for (const state of [...whole, ...decimals])
    for (const letter of "eE") network.edge(state, letter, exponent);
  for (const state of [...decimals, ...powers]) network.end(state);
  return network;
}

/** Up to so many digits in a row; the states after each. */
function digits(network: StateAutomaton, from: number, count: number): number[] {
  const states: number[] = [];
  for (let at = from; states.length < count; at = states[states.length - 1]) {
    states.push(network.state());
    network.edge(at, digit, states[states.length - 1]);
  }
  return states;
}

/** Numbers between bounds, without an exponent: for each count of decimals the integers that they make without a point. */
function boundedNumber({ integer, lower, upper }: NumberShape): StateAutomaton {
  const network = new StateAutomaton();
  const end = network.state();
  network.end(end);
  const minus = network.state();
  network.edge(network.start, "-", minus);
  const needed = [...lower, ...upper].map(({ value }) => exactly(value).decimals);
  const decimals = integer
    ? 0
    : Math.min(maxDigits, Math.max(usualDecimals, ...needed.map((count) => count + 2)));
  const most = 10n ** BigInt(maxDigits) - 1n;
  for (let places = 0; places <= decimals; places++) {
    const lowest = lower.map((bound) => nearest(bound, places, 1n)).reduce(larger, -most);
    const highest = upper.map((bound) => nearest(bound, places, -1n)).reduce(smaller, most);
    between(network, network.start, larger(lowest, 0n), highest, places, end);
    between(network, minus, larger(-highest, 1n), -lowest, places, end);
  }
  return network;
}

/** Integers from one to another, neither negative, with a point before the last digits. */
function between(
  network: StateAutomaton,
  from: number,
  lowest: bigint,
  highest: bigint,
  places: number,
  end: number,
): void {
  for (let length = places + 1; length <= maxDigits; length++) {
    const shortest = length === places + 1 ? 0n : 10n ** BigInt(length - 1);
    const low = larger(lowest, shortest);
    const high = smaller(highest, 10n ** BigInt(length) - 1n);
    if (low > high) continue;
    const [first, last] = [low, high].map((value) => [...String(value).padStart(length, "0")].map(Number));
    block(network, from, first, last, length - places, end);
  }
}

/** Numbers of as many digits as both have: digit after digit, as long as it is not decided on the bounds' own ones. */
function block(
  network: StateAutomaton,
  from: number,
  first: readonly number[],
  last: readonly number[],
  point: number,
  end: number,
): void {
  const states = new Map<string, number>();
  const stateOf = (place: number, low: boolean, high: boolean): number => {
    const key = `${place} ${low} ${high}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    const state = place === first.length ? end : place === 0 ? from : network.state();
    states.set(key, state);
    if (place === first.length) return state;
    let written = state;
    if (place === point) {
      written = network.state();
      network.edge(state, ".", written);
    }
    const [lowest, highest] = [low ? first[place] : 0, high ? last[place] : 9];
    for (let value = lowest; value <= highest; value++) {
      const next = stateOf(place + 1, low && value === lowest, high && value === highest);
      network.edge(written, String(value), next);
    }
    return state;
  };
  stateOf(0, true, true);
}

/** The integer next to a bound that keeps it, in units of the last decimal; `inwards` is 1 for a lower bound. */
function nearest({ value, exclusive }: Bound, places: number, inwards: 1n | -1n): bigint {
  const { unscaled, decimals } = exactly(value);
  const numerator = unscaled * 10n ** BigInt(places);
  const denominator = 10n ** BigInt(decimals);
  const towardsZero = numerator / denominator;
  const isExact = towardsZero * denominator === numerator;
  if (isExact) return exclusive ? towardsZero + inwards : towardsZero;
  const isInside =
    inwards === 1n ? towardsZero * denominator > numerator : towardsZero * denominator < numerator;
  return isInside ? towardsZero : towardsZero + inwards;
}

/** A number as the shortest decimal that is read as it. */
function exactly(value: number): { unscaled: bigint; decimals: number } {
  const [mantissa, exponent = "0"] = String(value).split("e");
  const [whole, fraction = ""] = mantissa.split(".");
  const decimals = fraction.length - Number(exponent);
  const unscaled = BigInt(whole + fraction);
  return decimals >= 0
    ? { unscaled, decimals }
    : { unscaled: unscaled * 10n ** BigInt(-decimals), decimals: 0 };
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
