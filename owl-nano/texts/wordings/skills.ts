import { lines } from "./lines.ts";

/** Small tasks with numbers, letters and the calendar. A and B stand for numbers, W for a letter, day or month. */
export const SKILL_WORDINGS = {
  plus: lines(`
    what is A plus B?
    how much is A plus B?
    A plus B?
    A plus B is what?
    add A and B.
    what do A and B make?
    what is the sum of A and B?
    what do you get if you add A and B?
    A and B together?
    calculate A plus B.
    can you add A and B?
    could you tell me what A plus B is?
    please add A and B.
    i have A and get B more. how many is that?
    tell me A plus B.
  `),
  plusSigns: lines(`
    A + B
    A + B = ?
    A+B
    A+B=?
    what is A + B?
    how much is A + B?
    calculate A + B
    tell me A + B.
    can you do A + B?
    please calculate A + B.
  `),
  minus: lines(`
    what is A minus B?
    how much is A minus B?
    A minus B?
    A minus B is what?
    take B from A.
    take B away from A.
    what is left of A if you take B away?
    what do you get if you take B from A?
    what is the difference of A and B?
    calculate A minus B.
    can you take B from A?
    could you tell me what A minus B is?
    please take B from A.
    tell me A minus B.
  `),
  minusSigns: lines(`
    A - B
    A - B = ?
    A-B
    A-B=?
    what is A - B?
    how much is A - B?
    calculate A - B
    tell me A - B.
    can you do A - B?
    please calculate A - B.
  `),
  times: lines(`
    what is A times B?
    how much is A times B?
    A times B?
    A times B is what?
    multiply A by B.
    multiply A and B.
    what do you get if you multiply A by B?
    calculate A times B.
    what is the product of A and B?
    can you multiply A by B?
    could you tell me what A times B is?
    please multiply A by B.
    tell me A times B.
  `),
  timesSigns: lines(`
    A * B
    A * B = ?
    A x B
    A x B = ?
    what is A * B?
    how much is A x B?
    calculate A * B
    tell me A x B.
    can you do A * B?
    please calculate A x B.
  `),
  larger: lines(`
    which is larger, A or B?
    which is bigger, A or B?
    what is more, A or B?
    A or B: which is more?
    which number is larger, A or B?
    which is greater, A or B?
    larger: A or B?
    tell me which is larger, A or B.
    can you tell which is bigger, A or B?
    could you say which is more, A or B?
    please tell me the larger of A and B.
  `),
  smaller: lines(`
    which is smaller, A or B?
    what is less, A or B?
    A or B: which is less?
    which number is smaller, A or B?
    smaller: A or B?
    tell me which is smaller, A or B.
    can you tell which is less, A or B?
    could you say which is smaller, A or B?
    please tell me the smaller of A and B.
  `),
  isMore: lines(`
    is A more than B?
    is A larger than B?
    is A bigger than B?
    is A greater than B?
    A is more than B, right?
    tell me if A is more than B.
    would you say A is more than B?
    can you tell if A is larger than B?
    could you say if A is more than B?
    please tell me if A is larger than B.
  `),
  nextNumber: lines(`
    what comes after A?
    what number comes after A?
    which number comes after A?
    what is the next number after A?
    after A?
    after A comes what?
    what follows A?
    tell me what comes after A.
    can you tell what comes after A?
    please tell me the number after A.
  `),
  previousNumber: lines(`
    what comes before A?
    what number comes before A?
    which number comes before A?
    what is the number before A?
    before A?
    before A comes what?
    tell me what comes before A.
    can you tell what comes before A?
    please tell me the number before A.
  `),
  nextLetter: lines(`
    which letter comes after W?
    what letter comes after W?
    what is the next letter after W?
    after the letter W?
    after the letter W comes what?
    which letter follows W?
    tell me which letter comes after W.
    could you name the letter after W?
    please tell me the letter after W.
  `),
  previousLetter: lines(`
    which letter comes before W?
    what letter comes before W?
    what is the letter before W?
    before the letter W?
    before the letter W comes what?
    tell me which letter comes before W.
    could you name the letter before W?
    please tell me the letter before W.
  `),
  dayAfter: lines(`
    what day comes after W?
    which day comes after W?
    what is the day after W?
    the day after W?
    which day follows W?
    if today is W, what is tomorrow?
    today is W. what day is tomorrow?
    tell me the day after W.
    can you tell me the day after W?
    please tell me which day comes after W.
  `),
  dayBefore: lines(`
    what day comes before W?
    which day comes before W?
    what is the day before W?
    the day before W?
    if today is W, what was yesterday?
    today is W. what day was yesterday?
    tell me the day before W.
    can you tell me the day before W?
    please tell me which day comes before W.
  `),
  monthAfter: lines(`
    what month comes after W?
    which month comes after W?
    what is the month after W?
    the month after W?
    which month follows W?
    tell me the month after W.
    can you tell me the month after W?
    please tell me which month comes after W.
  `),
  monthBefore: lines(`
    what month comes before W?
    which month comes before W?
    what is the month before W?
    the month before W?
    tell me the month before W.
    can you tell me the month before W?
    please tell me which month comes before W.
    which month is just before W?
  `),
  dayCount: lines(`
    how many days are in a week?
    how many days has a week?
    how many days does a week have?
    a week has how many days?
    tell me how many days a week has.
    could you tell me how many days are in a week?
    days in a week?
    please tell me the number of days in a week.
  `),
  monthCount: lines(`
    how many months are in a year?
    how many months has a year?
    how many months does a year have?
    a year has how many months?
    tell me how many months a year has.
    could you tell me how many months are in a year?
    months in a year?
    please tell me the number of months in a year.
  `),
} as const;
