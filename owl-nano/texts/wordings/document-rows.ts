import { lines } from "./lines.ts";

/** Questions about score tables, cards, tickets and timetables. X stands for a label, V for a number, D for what the document is called. */
export const ROW_WORDINGS = {
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
