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
  points: lines(`
    how many points does X have?
    how many points has X?
    how many points did X get?
    points of X?
    what is the score of X?
    what score does X have?
    what did X score?
    X has how many points?
    tell me the points of X.
    tell me the score of X.
    how many points for X?
    can you tell me the score of X?
    could you read the points of X?
    please tell me how many points X has.
  `),
  mostPoints: lines(`
    who has the most points?
    who has most points?
    who is first?
    who won?
    who wins?
    the winner?
    who is the winner?
    who is the best?
    who has the highest score?
    who got the most points?
    tell me who has the most points.
    can you tell me who won?
    could you tell me who has the highest score?
    please name the winner.
  `),
  fewestPoints: lines(`
    who has the fewest points?
    who has fewest points?
    who is last?
    who lost?
    who has the lowest score?
    who got the fewest points?
    who is at the end?
    who did worst?
    who has the least points?
    tell me who has the fewest points.
    can you tell me who lost?
    could you tell me who has the lowest score?
    please say who has the fewest points.
  `),
  whoHas: lines(`
    who has V points?
    who has V?
    who got V points?
    who got V?
    who scored V?
    which one has V points?
    whose score is V?
    V points: who is that?
    tell me who has V points.
    can you tell me who has V points?
    could you find who has V?
    please tell me who got V points.
  `),
  /** The value in the row of a label. */
  beside: lines(`
    what is beside X?
    what stands beside X?
    what is written beside X?
    what number is beside X?
    what does it say beside X?
    what is next to X?
    what stands next to X?
    what is in the row of X?
    what is on the line of X?
    beside X?
    and beside X?
    X: what is beside it?
    find X. what is beside it?
    tell me what is beside X.
    read what is beside X.
    can you tell me what is beside X?
    could you read what stands beside X?
    please tell me what is beside X.
  `),
  /** The value of a labelled line. */
  field: lines(`
    what is the X?
    and the X?
    the X?
    what X is it?
    what X is on it?
    which X is on the D?
    what is the X on the D?
    what does it say for X?
    tell me the X.
    read the X.
    find the X.
    what stands after X?
    what X do you read?
    can you read the X?
    could you tell me the X on the D?
    please tell me the X.
    please read the X.
  `),
  cardName: lines(`
    who is this card for?
    whose card is this?
    who is it?
    whose name is on it?
    what is the person's name?
    what is the name of the person?
    whose is it?
    what name do you read?
    to whom does the card belong?
    can you read the name?
    could you tell me whose card it is?
    please read the name on the card.
  `),
  cardAge: lines(`
    how old is the person?
    how old?
    how old is X?
    what age is X?
    what is the age of X?
    what age does the card give?
    tell me how old X is.
    of what age is the person?
    can you tell me how old X is?
    could you read the age?
    please tell me the age of X.
    how many years old is X?
  `),
  cardCity: lines(`
    where does the person live?
    in what place does X live now?
    in what city does X live?
    which city is X from?
    what is the city of X?
    what city does the card give?
    where is X from?
    tell me in which city X lives.
    the city of X?
    can you read which city it is?
    could you tell me X's city?
    please read the city.
  `),
  ticketTo: lines(`
    where does it go?
    where does the ticket go to?
    where do i go with it?
    what place does it go to?
    to which city is the ticket?
    where is the trip to?
    tell me where it goes.
    can you tell me where it goes to?
    could you read where i am going?
    please tell me where the ticket goes.
    to where?
    what city is on the ticket?
  `),
  departs: lines(`
    when does it leave for X?
    when does the bus to X leave?
    when does X leave?
    at what time is X?
    when is X?
    what time does the train to X go?
    what time is X?
    X is at what time?
    the time for X?
    tell me when X is.
    can you tell me when it goes to X?
    please tell me the time for X.
  `),
} as const;
