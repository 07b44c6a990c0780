import type { Concept } from "../concepts/concepts.ts";

/** A set of pictograms: few tones, no colors of their own, named in words. */
export interface IconSet {
  readonly name: string;
  /** Whose hand drew it, as for a vendor of emoji. */
  readonly family: string;
  readonly packageName: string;
  /** What a name may end with to be another picture of the same thing. */
  readonly endings: readonly string[];
  /** Icons that show something else than their name says here: a computer's mouse, a firm's apple. */
  readonly wrong: readonly string[];
}

const STREAMLINE_ENDINGS = ["", "-1", "-2", "-3", "-flat", "-1-flat", "-2-flat", "-3-flat"];
const STREAMLINE_WRONG = [
  "mouse",
  "mouse-flat",
  "apple",
  "apple-flat",
  "bell",
  "bell-flat",
  "bag",
  "bag-flat",
].concat(["ball", "ball-flat", "star-2", "star-2-flat", "phone", "phone-flat"]);

/** Further hands for training; no set of test pictures is among them. */
export const ICON_SETS: readonly IconSet[] = [
  {
    name: "game-icons",
    family: "game-icons",
    packageName: "@iconify-json/game-icons",
    endings: ["", "-head", "-face"],
    wrong: [
      "butterfly",
      "palm",
      "tree-face",
      "guitar-head",
      "pig-face",
      "wrench",
      "spider-face",
      "phone",
      "bulb",
    ],
  },
  {
    name: "mdi",
    family: "mdi",
    packageName: "@iconify-json/mdi",
    endings: ["", "-side", "-variant"],
    wrong: ["mouse", "mouse-variant", "apple", "phone", "lamp", "lamps", "bike"],
  },
  {
    name: "phosphor",
    family: "phosphor",
    packageName: "@iconify-json/ph",
    endings: ["-fill", "-duotone"],
    wrong: ["mouse-fill", "mouse-duotone", "phone-fill", "phone-duotone", "lamp-fill", "lamp-duotone"].concat(
      ["bag-fill", "bag-duotone"],
    ),
  },
  {
    name: "icon-park",
    family: "icon-park",
    packageName: "@iconify-json/icon-park",
    endings: [""],
    wrong: [
      "mouse",
      "apple",
      "ring",
      "rings",
      "anchor",
      "scissors",
      "palm",
      "chicken",
      "turkey",
      "trumpet",
    ].concat(["lamp", "telescope", "heart", "pill", "honey", "dog"]),
  },
  {
    name: "font-awesome",
    family: "font-awesome",
    packageName: "@iconify-json/fa6-solid",
    endings: ["", "-side", "-front"],
    wrong: ["phone"],
  },
  {
    name: "tabler",
    family: "tabler",
    packageName: "@iconify-json/tabler",
    endings: ["-filled"],
    wrong: ["mouse-filled", "phone-filled", "bike-filled"],
  },
  {
    name: "streamline-color",
    family: "streamline",
    packageName: "@iconify-json/streamline-color",
    endings: STREAMLINE_ENDINGS,
    wrong: STREAMLINE_WRONG,
  },
  {
    name: "streamline-plump",
    family: "streamline",
    packageName: "@iconify-json/streamline-plump-color",
    endings: STREAMLINE_ENDINGS,
    wrong: STREAMLINE_WRONG,
  },
  {
    name: "streamline-cyber",
    family: "streamline",
    packageName: "@iconify-json/streamline-cyber-color",
    endings: ["", "-1", "-2", "-3"],
    wrong: ["mouse", "phone-3", "lamp-3"],
  },
];

/** What icon sets call a thing beside its own name. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  ball: ["soccer", "soccer-ball", "futbol", "ball-football"],
  bag: ["handbag"],
  beer: ["beer-mug-empty", "beer-stein"],
  bell: ["ringing-bell"],
  bicycle: ["bike"],
  book: ["open-book", "book-open", "book-open-variant"],
  cake: ["cake-candles", "cake-slice"],
  camera: ["photo-camera"],
  candy: ["wrapped-sweet", "candy-cane"],
  castle: ["hill-fort"],
  cheese: ["cheese-wedge"],
  cherries: ["cherry", "fruit-cherries"],
  coffee: ["coffee-cup", "mug-hot", "mug-saucer"],
  cookie: ["cookie-bite"],
  doughnut: ["donut"],
  eggplant: ["aubergine"],
  fire: ["flame", "small-fire"],
  fish: ["fish-simple"],
  fries: ["french-fries"],
  gift: ["present"],
  glasses: ["eyeglasses"],
  grapes: ["fruit-grapes"],
  hamburger: ["burger"],
  hammer: ["claw-hammer", "flat-hammer"],
  hat: ["top-hat", "hat-cowboy", "hat-fedora"],
  house: ["home"],
  "ice cream": ["ice-cream-cone"],
  jeans: ["trousers", "pants"],
  lamp: ["lightbulb", "light-bulb", "bulb"],
  lizard: ["gecko"],
  motorcycle: ["motorbike"],
  palm: ["palm-tree", "tree-palm"],
  pepper: ["chili-mild", "chili-hot", "pepper-hot", "chili-pepper"],
  phone: ["cellphone", "device-mobile", "mobile", "smartphone", "mobile-screen"],
  pineapple: ["fruit-pineapple"],
  pizza: ["pizza-slice"],
  shoe: ["sneaker", "shoe-sneaker", "running-shoe", "converse-shoe"],
  shirt: ["t-shirt", "tshirt-crew"],
  ship: ["boat", "ferry", "cargo-ship"],
  star: ["round-star"],
  sushi: ["sushis"],
  television: ["tv"],
  tent: ["camping-tent"],
  tractor: ["farm-tractor"],
  train: ["steam-locomotive"],
  tree: ["tree-evergreen", "pine-tree"],
  watermelon: ["fruit-watermelon"],
  whale: ["sperm-whale"],
  wine: ["wine-glass", "glass-wine"],
};

/** The names under which a set may have pictures of a concept. */
export function iconNames(set: IconSet, { name, plural }: Concept): string[] {
  const bare = [name, plural, ...(OTHER_NAMES[name] ?? [])].map((word) => word.replaceAll(" ", "-"));
  const all = [...new Set(bare)].flatMap((word) => set.endings.map((ending) => `${word}${ending}`));
  return all.filter((icon) => !set.wrong.includes(icon));
}
