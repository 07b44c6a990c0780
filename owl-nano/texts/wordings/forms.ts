import { lines } from "./lines.ts";

/** Orders about the form of an answer; Q stands for the question. */
export const FORM_WORDINGS = {
  formOneWord: lines(`
    Q answer in one word.
    Q one word only.
    Q in one word.
    Q just one word.
    Q use one word.
    in one word: Q
    one word: Q
    answer in one word: Q
    with one word only: Q
    Q say it in one word.
    Q give me a single word.
    please answer in one word: Q
    Q one word, please.
    Q could you answer in one word?
    Q your answer must be one word.
    Q short, in one word.
  `),
  formTwoWords: lines(`
    Q answer in two words.
    Q two words only.
    Q in two words.
    Q use two words.
    in two words: Q
    answer in two words: Q
    Q say it in two words.
    please answer in two words: Q
    Q two words, please.
    Q your answer must have two words.
    with two words only: Q
    Q just two words.
  `),
  formCapitals: lines(`
    Q answer in capital letters.
    Q in capital letters.
    Q in capitals.
    Q use capital letters.
    Q use upper case.
    Q write in capitals.
    in capital letters: Q
    in capitals: Q
    answer in capitals: Q
    Q all in upper case.
    Q write it big, in capitals.
    please answer in capital letters: Q
    Q capital letters, please.
    Q could you write it in capitals?
  `),
  formYesNo: lines(`
    Q answer yes or no.
    Q yes or no?
    Q just yes or no.
    Q say only yes or no.
    yes or no: Q
    answer with yes or no: Q
    only yes or no: Q
    Q please answer yes or no.
    Q yes or no, please.
    Q use only yes or no.
    Q a yes or a no is enough.
    please say yes or no: Q
  `),
  formDigit: lines(`
    Q answer with a digit.
    Q as a digit.
    Q as a number.
    Q write it as a digit.
    Q in digits.
    with a digit: Q
    answer in digits: Q
    Q only the number in digits.
    Q please use a digit.
    Q a digit, please.
    Q use digits, no words.
    please answer with a digit: Q
  `),
  formList: lines(`
    list the things in the picture.
    answer as a list: what do you see?
    make a list of the things you see.
    what is in the picture? answer as a list.
    what do you see? make a list.
    as a list: what is in the picture?
    give me a list of what you see.
    write a list of all things in the image.
    what things are there? as a list with numbers.
    number the things you see.
    i want a list of the things.
    please make a list of the things in the picture.
    could you list all things with numbers?
    please answer as a list: what is there?
  `),
  formSentence: lines(`
    Q answer in a full sentence.
    Q in a full sentence.
    Q use a full sentence.
    Q say it in a sentence.
    in a full sentence: Q
    answer in a sentence: Q
    Q answer with a whole sentence.
    Q please use a full sentence.
    please answer in a full sentence: Q
    Q a full sentence, please.
    Q write a whole sentence.
    Q not just a word, a full sentence.
  `),
  formReverse: lines(`
    Q answer with the words in reverse order.
    Q in reverse order.
    Q say it in reverse.
    Q reverse the words of your answer.
    Q put the words in reverse order.
    in reverse order: Q
    answer in reverse order: Q
    Q answer with the last word first.
    Q please answer in reverse order.
    please reverse the words: Q
    Q could you say it in reverse order?
    say it in reverse order: Q
  `),
  formSure: lines(`
    Q start with "sure:".
    Q begin with "sure:".
    Q start your answer with "sure:".
    Q begin your answer with "sure:".
    start with "sure:": Q
    begin with "sure:": Q
    Q let your answer start with "sure:".
    Q your answer must begin with "sure:".
    Q please start with "sure:".
    please begin with "sure:": Q
    Q first say "sure:".
    Q say "sure:" and then answer.
  `),
  formOk: lines(`
    Q end with "ok.".
    Q end your answer with "ok.".
    Q say "ok." at the end.
    end with "ok.": Q
    Q let your answer end with "ok.".
    Q your answer must end with "ok.".
    Q finish with "ok.".
    Q put "ok." at the end.
    Q please end with "ok.".
    please say "ok." at the end: Q
    Q then say "ok.".
    finish your answer with "ok.": Q
  `),
  formJson: lines(`
    answer in json: what is in the picture?
    what is this? answer as json.
    give me json.
    describe the picture as json.
    as json, please.
    json?
    write json with thing and color.
    what do you see? use json.
    give me thing and color as json.
    the picture as json.
    please answer as json: what is this?
    could you describe it as json?
    write the picture down in json.
    i need json for this picture.
  `),
  formQuotes: lines(`
    Q answer in quotes.
    Q put your answer in quotes.
    Q in quotes.
    Q use quotes.
    in quotes: Q
    answer in quotes: Q
    Q write it in quotes.
    Q your answer must be in quotes.
    Q please put it in quotes.
    please answer in quotes: Q
    Q with quotes around it.
    Q quotes, please.
  `),
  formTwice: lines(`
    Q say it twice.
    Q answer twice.
    Q repeat it twice.
    Q two times, the same answer.
    answer twice: Q
    say it twice: Q
    Q give your answer twice.
    Q write the answer twice.
    Q please say it twice.
    please answer twice: Q
    Q tell me twice.
    twice, please: Q
  `),
  formSpell: lines(`
    Q spell it.
    Q spell the answer.
    Q spell your answer.
    Q letter by letter.
    spell it: Q
    spell the answer: Q
    Q answer letter by letter.
    Q please spell it.
    please spell your answer: Q
    Q could you spell it?
    Q spell the word.
    Q give me the letters of the word.
  `),
  formLetter: lines(`
    Q only the first letter.
    Q just the first letter.
    Q give me the first letter only.
    Q answer with the first letter.
    only the first letter: Q
    first letter only: Q
    Q say only the first letter of it.
    Q tell me just its first letter.
    Q please give only the first letter.
    please answer with the first letter: Q
    Q what is the first letter of it?
    Q with which letter does it begin?
  `),
} as const;
