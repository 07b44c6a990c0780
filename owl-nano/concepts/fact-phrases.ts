import { article } from "./nouns.ts";

/** Where it lives, as said in a sentence. */
export const LIVES: Readonly<Record<string, string>> = {
  house: "in a house",
  burrow: "in a burrow",
  forest: "in the forest",
  savanna: "in the savanna",
  jungle: "in the jungle",
  farm: "on a farm",
  desert: "in the desert",
  cave: "in a cave",
  pond: "in a pond",
  mountain: "on a mountain",
  ice: "on the ice",
  river: "in a river",
  sea: "in the sea",
  garden: "in a garden",
  beach: "on the beach",
  hive: "in a hive",
  nest: "in a nest",
  web: "in a web",
};
/** Where it grows. */
export const GROWS: Readonly<Record<string, string>> = {
  tree: "on a tree",
  plant: "on a plant",
  vine: "on a vine",
  ground: "in the ground",
  field: "in a field",
};
const PLACES: Readonly<Record<string, string>> = {
  road: "on the road",
  track: "on the track",
  sky: "in the sky",
  space: "in space",
  water: "on the water",
  street: "in the street",
  forest: "in the forest",
  stage: "on a stage",
  workshop: "in a workshop",
  desk: "on a desk",
  kitchen: "in the kitchen",
  kiosk: "at a kiosk",
  wrist: "on the wrist",
  home: "at home",
  ceiling: "on the ceiling",
  table: "on a table",
  rain: "in the rain",
  face: "on the face",
  foot: "on the foot",
  head: "on the head",
  finger: "on the finger",
  shoulder: "on the shoulder",
  back: "on the back",
  court: "on a court",
  party: "at a party",
  shelf: "on a shelf",
  bathroom: "in the bathroom",
  bedroom: "in the bedroom",
  ship: "on a ship",
  beach: "on the beach",
  desert: "in the desert",
  tree: "on a tree",
  nature: "in nature",
  snow: "in the snow",
  winter: "in winter",
  card: "on a card",
  hill: "on a hill",
  war: "in a war",
};
const DOING: Readonly<Record<string, string>> = {
  time: "telling the time",
  photograph: "taking photos",
  call: "calling",
  light: "giving light",
  cover: "staying dry",
  hit: "hitting",
  cut: "cutting",
  win: "winning",
  get: "getting",
  look: "looking far",
  farm: "farming",
  rescue: "rescuing",
};

/** "driving", "telling the time" */
export function doing(verb: string): string {
  return DOING[verb] ?? `${verb.endsWith("e") && verb !== "see" ? verb.slice(0, -1) : verb}ing`;
}
/** "on the road", "in a bag" */
export function place(value: string): string {
  return PLACES[value] ?? `in ${article(value)}`;
}
