import { lines } from "./lines.ts";

/** Questions about small documents. X stands for a row's label in plain letters, V for a number, D for what the document is called. */
export const DOCUMENT_WORDINGS = {
  documentKind: lines(`
    what kind of paper is this?
    what kind of document is this?
    what sort of paper is it?
    what document is this?
    which document is this?
    is this a receipt or a list?
    what paper is this?
    what is this paper?
    what do you call such a paper?
    tell me what paper this is.
    can you tell what document this is?
    please tell me what kind of paper this is.
  `),
  readAll: lines(`
    read it all.
    read everything.
    read the paper.
    read the whole paper.
    read all the lines.
    read every line.
    read the D.
    what does the D say?
    what is on the D?
    what is on the paper?
    what is written on the D?
    tell me all that is written.
    what are the lines?
    can you read all of it?
    could you read the D to me?
    please read all lines.
    please read the D.
    copy the text.
  `),
  price: lines(`
    how much is the X?
    how much is X?
    how much does the X cost?
    how much does X cost?
    what does the X cost?
    what is the price of X?
    what is the price of the X?
    price of X?
    X costs how much?
    how much for the X?
    tell me the price of the X.
    what do i pay for the X?
    how much did the X cost?
    i want X. how much is it?
    can you tell me what X costs?
    could you tell me the price of the X?
    please tell me how much the X is.
    what do they want for X?
  `),
  whatCosts: lines(`
    what costs V?
    what is V?
    which item costs V?
    what can i get for V?
    what has the price V?
    which thing costs V?
    what do i get for V?
    what was V?
    which one is V?
    tell me what costs V.
    can you tell me what costs V?
    could you find what costs V?
    please tell me which item costs V.
    for V i get what?
    find the item that costs V.
  `),
  total: lines(`
    what is the total?
    total?
    the total?
    how much is it in all?
    how much is it in total?
    how much is the total?
    what is the sum?
    what do i have to pay?
    how much do i have to pay?
    how much is everything?
    what does it all cost?
    what did i pay in all?
    tell me the total.
    how much was it all together?
    can you tell me the total?
    could you read the total?
    please tell me the sum.
    what is the whole price?
  `),
  cheapest: lines(`
    what is the cheapest?
    which is the cheapest?
    which item is the cheapest?
    what is cheapest?
    the cheapest?
    what costs the least?
    which item costs the least?
    what is the cheapest thing?
    tell me the cheapest item.
    which one has the lowest price?
    what has the lowest price?
    can you find the cheapest item?
    could you tell me what is cheapest?
    please name the cheapest thing.
    i want the cheapest. what is it?
  `),
  dearest: lines(`
    what is the most expensive?
    which is the most expensive?
    which item is the most expensive?
    what is most expensive?
    the most expensive?
    what costs the most?
    which item costs the most?
    what is the most expensive thing?
    tell me the most expensive item.
    which one has the highest price?
    what has the highest price?
    can you find the most expensive item?
    could you tell me what costs the most?
    please name the most expensive thing.
    what did i pay the most for?
  `),
  firstItem: lines(`
    what is the first item?
    first item?
    what is first?
    which item is first?
    what comes first?
    what is on the first line?
    what is at the top of the list?
    read the first item.
    name the first item.
    tell me the first item.
    what stands first?
    can you read the first item?
    could you tell me what is first?
    please read the first line.
    the first one is?
  `),
  lastItem: lines(`
    what is the last item?
    last item?
    what is last?
    which item is last?
    what comes last?
    what is the last thing on it?
    what is at the bottom of the list?
    read the last item.
    name the last item.
    tell me the last item.
    what stands last?
    can you read the last item?
    could you tell me what is last?
    please read the last item.
    the last one is?
  `),
  countItems: lines(`
    how many items are there?
    how many items?
    how many items do you see?
    how many items are on it?
    how many items are on the list?
    count the items.
    number of items?
    what is the number of items?
    how many things are on the paper?
    tell me how many items there are.
    how many items does it have?
    can you count the items?
    could you count the items for me?
    please count the items.
  `),
  items: lines(`
    what items are on it?
    which items are on it?
    what items are there?
    which items do you see?
    list the items.
    name the items.
    name all items.
    what did i buy?
    what things are on the paper?
    the items?
    tell me the items.
    what can i buy?
    can you name the items?
    could you list all items?
    please name all the items.
    please read me the items.
  `),
  cheaper: lines(`
    which is cheaper, X or Y?
    what is cheaper, X or Y?
    X or Y: which is cheaper?
    what costs less, X or Y?
    which costs less, the X or the Y?
    is the X cheaper or the Y?
    which of X and Y is cheaper?
    tell me what is cheaper, X or Y.
    can you tell which is cheaper, X or Y?
    could you say what costs less, X or Y?
    please tell me which is cheaper, X or Y.
    cheaper: X or Y?
  `),
  dearer: lines(`
    which is more expensive, X or Y?
    what is more expensive, X or Y?
    X or Y: which is more expensive?
    what costs more, X or Y?
    which costs more, the X or the Y?
    is the X more expensive or the Y?
    which of X and Y is more expensive?
    tell me what is more expensive, X or Y.
    can you tell which costs more, X or Y?
    could you say what costs more, X or Y?
    please tell me which is more expensive, X or Y.
    more expensive: X or Y?
  `),
  morePoints: lines(`
    who has more points, X or Y?
    who has more, X or Y?
    X or Y: who has more points?
    who is better, X or Y?
    who got more points, X or Y?
    which of X and Y has more points?
    has X more points or Y?
    tell me who has more points, X or Y.
    can you tell who has more, X or Y?
    could you say who has more points, X or Y?
    please tell me who has more points, X or Y.
    more points: X or Y?
  `),
  hasItem: lines(`
    is there X on it?
    is X on it?
    is X on the list?
    is there X on the paper?
    does it have X?
    do you see X on it?
    is X there too?
    does the list have X?
    can you find X on it?
    tell me if X is on it.
    could you tell me if X is on the list?
    please check if X is on it.
    is X one of the items?
  `),
} as const;
