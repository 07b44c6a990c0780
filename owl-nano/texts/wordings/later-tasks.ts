import { phrases } from "./lines.ts";

/** What people also say about signs, small documents and the form of an answer. */
export const LATER_TASK_WORDINGS = {
  read: phrases(`
    what text can you see? | what text is in the image? | what text does the picture have? | which text do you see?
    which word do you see? | what does the writing say? | what does the label say? | what does the inscription say?
    what does the board say? | what does the note say? | what is the sign saying? | what is the sign telling us? | what is on the sign?
    what is the text on the sign? | what is the word on the sign? | what does it read? | what can be read here?
    what can be read on the sign? | what is printed here? | what is printed on it? | what words are there? | what letters do you see?
    the text, please. | the text? | read. | read it out. | read it out to me. | read me the sign. | read out the text. | read the words.
    read the writing. | read what you see. | tell me the text. | tell me the word. | tell me what you can read. | transcribe this.
    transcribe the text. | type what it says. | give me the text. | say the words on it. | i lost my glasses. what does it say?
    my eyes are bad. what does the sign say?
  `),
  isText: phrases(`
    does it have any text? | does the image have text? | does the picture contain text? | does the picture have letters or words?
    any words here?
    any letters here? | are there words in it? | are there words to read? | do you see letters? | do you see words?
    do you find any text? | can you find text in it? | is there writing? | is there any writing in the image? | is there a word in it?
    is something printed on it? | did i write something? | did somebody write something here? | check if there is text.
  `),
  doesItSay: phrases(`
    does it really say W? | does the sign read W? | does the writing say W? | do the letters say W? | do the words say W?
    is W the text? | is W the word on it? | is the text W? | is it W that it says? | is it correct that it says W?
    is W to be read there? | can W be read on it? | can you read W on it? | i think it says W. right? | the sign says W, right?
    check if it says W.
  `),
  countLetters: phrases(`
    how many letters can you count? | how many letters has it? | how many letters make up the word? | the number of letters in the word?
    the count of letters? | letters in the word? | tell me the number of letters. | give me the number of letters.
    how long is it, in letters?
  `),
  countWords: phrases(`
    how many words can you count? | how many words stand there? | how many words is it? | how many words are in the image?
    what is the count of words? | the number of words on it? | count the words on the sign. | is there one word or are there two?
    tell me the number of words. | give me the number of words.
  `),
  spellIt: phrases(`
    spell out the word. | spell it out. | spell what is written. | spell the text. | give me the letters.
    give me its letters one by one. | letter by letter, please. | the letters one after the other? | one letter at a time, please.
    say the letters of it. | say the word letter by letter. | which letters is it made of? | what letters does the word have?
    read out each letter. | how is that spelled? | how is it written, letter by letter?
  `),
  firstLetter: phrases(`
    which letter does it begin with? | what does the word begin with? | what is its first letter? | the word's first letter?
    the letter at the beginning? | the letter it starts with? | name the first letter of it. | give me the first letter.
    say the first letter. | tell me which letter is first.
  `),
  lastLetter: phrases(`
    which letter does it end with? | what does the word end with? | what is its last letter? | the word's last letter?
    the letter at the end? | the letter it ends with? | the final letter? | what is the final letter? | name the last letter of it.
    give me the last letter. | say the last letter. | tell me which letter is last.
  `),
  signColor: phrases(`
    sign color? | color of the board? | what color is it, the sign? | what color was the sign painted? | what shade is the sign?
    which color has the sign? | what is the sign's main color? | what color is around the letters? | what color is behind the words?
    in which color did they paint the sign? | the sign, what color? | give me the color of the sign.
  `),
  wordAt: phrases(`
    what is the O of the words? | which word is the O? | which one is the O word? | the O of the words? | give me the O word.
    say the O word. | read out the O word. | just the O word, please. | only the O word.
  `),
  documentKind: phrases(`
    what do we have here, what kind of paper? | what sort of document do i have here? | what type of document is it?
    what type of paper is this? | which kind of paper is this? | is it a receipt, a list or something else? | what is this paper for?
    how would you call this document? | identify the document. | this paper is what?
  `),
  readAll: phrases(`
    read it from top to bottom. | read the whole thing. | read out everything. | read me all of it. | read the D out to me.
    read the whole D. | transcribe everything. | transcribe the D. | copy what is written. | copy all the lines.
    type out the whole text. | give me all the text. | give me the whole text. | tell me every line. | what does it all say?
    what text is on the D? | what do all the lines say? | all of the text, please.
  `),
  price: phrases(`
    what is X sold for? | what does X cost? | what does one pay for the X? | what do i have to pay for the X?
    what did they charge for the X? | what was the price of the X? | at what price is X? | how expensive is the X?
    how much money is the X? | how much was the X? | how much were the X? | how much must i pay for X? | how much did i pay for X?
    the cost of X? | the price for X? | give me the price of X. | find the price of X. | look up the X. what does it cost?
  `),
  whatCosts: phrases(`
    what can be bought for V? | what did i get for V? | what did i buy for V? | what has a price of V? | what is sold for V?
    what is priced V? | which item is V? | which item has the price V? | which item was V? | V buys me what? | V is for what?
    give me the item that costs V. | name what costs V. | say which item costs V.
  `),
  total: phrases(`
    the total, please. | the sum? | what does it come to? | what does it come to in total? | what does everything cost together?
    what does the whole thing cost? | what do i owe? | what do i pay altogether? | what did i spend? | what did it cost in total?
    what was the total? | what is the final price? | what is the amount to pay? | how much altogether? | how much in total?
    how much did i spend? | how much did i pay? | how much do i owe? | how much money is it in total? | how high is the total?
    the final amount? | the amount to pay? | give me the total. | read me the total. | say the total.
  `),
  cheapest: phrases(`
    the cheapest item? | the cheapest one is what? | the lowest price is for what? | what is the least expensive?
    what is the least expensive item? | what can i get for the least money? | what did i pay least for? | which thing is cheapest?
    which one costs least? | name the cheapest item. | find the cheapest. | give me the cheapest one.
  `),
  dearest: phrases(`
    the dearest? | the priciest? | the most expensive item? | the most expensive one is what? | the highest price is for what?
    what is the priciest item? | what is the dearest? | what costs most? | what did i pay most for? | which one costs most?
    which thing is the most expensive? | name the most expensive item. | find the most expensive.
  `),
  firstItem: phrases(`
    item number one? | what is item one? | what is the first thing? | what is the first thing on it? | what is the first one?
    what is listed first? | what is at the top? | what is on top of the list? | what is the top item? | which thing is first?
    which item comes first? | the top line? | the first line? | what does the first line say? | give me the first item.
  `),
  lastItem: phrases(`
    what is the final item? | what is the last one? | what is the last thing? | what is listed last? | what is at the bottom?
    what is at the end? | what is at the end of the list? | what is the bottom item? | what does the last line say?
    which thing is last? | which item comes last? | the bottom line? | the last line? | the final item? | give me the last item.
  `),
  countItems: phrases(`
    how many items can you count? | how many items does the list have? | how many items did i write down? | how many things are listed?
    how many things are on the list? | how many things are on it? | how many entries does it have? | how many lines does it have?
    how long is the list? | the number of items? | number of things on it? | give me the number of items. | tell me the number of items.
  `),
  items: phrases(`
    what does the list say? | what does the list contain? | what is on it? | what is on the list? | what things are listed?
    what things are on it? | what did i write down? | what do i have to buy? | what should i buy? | what is there to buy?
    what is for sale? | which items are listed? | which items does it have? | which things are on it? | all the items, please.
    list everything on it. | read the list. | read me the list. | read out the items. | give me all items. | give me the items.
    tell me everything on the list.
  `),
  cheaper: phrases(`
    is X cheaper than Y or the other way round? | what is less expensive, X or Y? | which is less expensive, X or Y?
    which has the lower price, X or Y? | which one costs less, X or Y? | which one is cheaper, the X or the Y?
    should i take X or Y to pay less? | X or Y, which costs less? | X or Y, what is cheaper? | compare X and Y. which is cheaper?
    the cheaper one of X and Y? | for less money, X or Y?
  `),
  dearer: phrases(`
    is X dearer than Y or the other way round? | what is dearer, X or Y? | which has the higher price, X or Y?
    which one costs more, X or Y? | which one is more expensive, the X or the Y? | X or Y, which costs more? | X or Y, what is dearer?
    compare X and Y. which is more expensive? | the more expensive one of X and Y? | for more money, X or Y?
  `),
  morePoints: phrases(`
    who did better, X or Y? | who scored more, X or Y? | who has the higher score, X or Y? | who won more points, X or Y?
    who is ahead, X or Y? | X or Y, who has more? | X or Y, who is better? | compare X and Y. who has more points?
    did X or Y get more points? | does X have more points or Y?
  `),
  hasItem: phrases(`
    is X written on it? | is X listed? | is X on the paper? | is there X on the list? | did i write down X? | did i buy X?
    does it list X? | does it say X? | does the list contain X? | does the paper say X? | do you find X on the list?
    can you see X on the list? | have i got X on it? | X, is it on the list? | check the list for X. | look for X on it. is it there?
  `),
  points: phrases(`
    how many points did X make? | how many points does X get? | how many points are there for X? | how good is X? | how did X do?
    what is the number of points of X? | what result does X have? | what did X get? | what number of points does X have?
    the points of X? | the score of X? | X scored what? | X: how many points? | give me the points of X. | give me the score of X.
    find X. how many points?
  `),
  mostPoints: phrases(`
    who came first? | who is in first place? | who is on top? | who is ahead of all? | who did best? | who scored most?
    who scored the most? | who has the best score? | who has the most? | the best one? | the best score is whose?
    which one has the most points? | tell me the winner. | name the one with the most points.
  `),
  fewestPoints: phrases(`
    who came last? | who is in last place? | who is the worst? | who is at the bottom? | who scored least? | who scored the fewest?
    who has the worst score? | who has the lowest number of points? | the loser? | which one has the fewest points? | tell me the loser.
    name the one with the fewest points.
  `),
  whoHas: phrases(`
    who has a score of V? | who made V points? | who is the one with V? | who is the one with V points? | which person has V points?
    which name stands beside V? | V belongs to whom? | V points belong to whom? | find V. whose is it? | name the one with V points.
    say who has V points.
  `),
  beside: phrases(`
    what belongs to X? | what comes after X? | what does it say next to X? | what does the line of X say? | what is to the right of X?
    what is written next to X? | what value does X have? | what can you read beside X? | next to X is what? | next to X?
    the thing beside X? | the line with X says what? | look at X. what is next to it? | give me what is beside X.
    say what is next to X.
  `),
  field: phrases(`
    what does it give as X? | what does the D say for X? | what is written for X? | what is written after X? | which X does it have?
    which X is it? | the X, please. | the X on the D? | give me the X. | look up the X. | say the X. | i need the X.
  `),
  cardName: phrases(`
    the name? | what is the name? | what is the name on the card? | what name is on it? | what name does it give?
    what is the person called? | who does the card belong to? | who has this card? | whose name do you see? | give me the name.
    read me the name. | tell me the name on it.
  `),
  cardAge: phrases(`
    age? | the age? | what is the age? | what is the age of the person? | how many years has X? | how old is this person?
    X is how old? | give me the age. | tell me the age of X.
  `),
  cardCity: phrases(`
    city? | the city? | what is the city? | what is the home town of X? | what town is X from? | what town does X live in?
    which city is on the card? | in which city does X live? | where does X live? | where is the home of X? | X lives where?
    give me the city. | tell me the city of X.
  `),
  formOneWord: phrases(`
    Q a single word, please. | Q a single word will do. | Q answer with one word. | Q answer with a single word. | Q just a word.
    Q just the word. | Q keep it to one word. | Q reply with one word. | answer with one word: Q | answer with a single word: Q
    reply with one word: Q | just one word: Q | one word please: Q | in a single word: Q | use one word: Q | use only one word: Q
  `),
  formTwoWords: phrases(`
    Q answer with two words. | Q reply with two words. | Q use only two words. | Q exactly two words. | Q keep it to two words.
    answer with two words: Q | reply with two words: Q | exactly two words: Q | use two words: Q | two words only: Q
  `),
  formCapitals: phrases(`
    Q all capitals, please. | Q all in capitals. | Q answer in all capitals. | Q answer in big letters. | Q big letters, please.
    Q reply in capital letters. | Q write in all caps. | Q caps only. | Q shout the answer. | answer in big letters: Q
    in big letters: Q | in all capitals: Q | in all caps: Q | reply in capitals: Q | use capital letters: Q | write in capitals: Q
  `),
  formYesNo: phrases(`
    Q answer with yes or no. | Q answer only with yes or no. | Q just say yes or no. | Q reply with yes or no. | Q is it yes or no?
    Q yes or no will do. | Q yes or no only. | answer yes or no: Q | just say yes or no: Q | reply yes or no: Q | tell me yes or no: Q
    with yes or no: Q | just yes or no: Q
  `),
  formDigit: phrases(`
    Q as a number in digits. | Q answer with digits. | Q answer with a number. | Q digits only. | Q give me the digit. | Q in figures.
    Q just the digit. | Q just the number in digits. | Q reply with a digit. | Q use digits. | answer with digits: Q | in digits: Q
    reply with a digit: Q | use digits: Q
  `),
  formList: phrases(`
    a list of all things, please. | a list of the objects, please. | give me a list of the things. | give me a list of all objects.
    give me a numbered list of what you see. | list all the things with numbers. | list the objects as one, two, three.
    make a list of the objects. | make a list of what is in the picture. | make a numbered list. | number the objects.
    put the things in a list. | what do you see? as a list. | what do you see? answer as a list. | what objects do you see? make a list.
    what things do you see? number them. | write a list of the things. | write a numbered list of the objects.
  `),
  formSentence: phrases(`
    Q a whole sentence, please. | Q answer in one sentence. | Q answer with a full sentence. | Q give me a whole sentence.
    Q in a complete sentence. | Q make it a sentence. | Q reply in a full sentence. | Q use a whole sentence.
    answer with a full sentence: Q | answer in one sentence: Q | in a sentence: Q | in a complete sentence: Q
    reply in a full sentence: Q | use a full sentence: Q | with a whole sentence: Q
  `),
  formReverse: phrases(`
    Q backwards, word by word. | Q say it backwards. | Q the words backwards. | Q the last word first. | Q reverse the words.
    Q reverse the order of the words. | Q turn the words around. | backwards: Q | reverse the words: Q | say it backwards: Q
    the last word first: Q | with the words backwards: Q
  `),
  formSure: phrases(`
    Q put "sure:" in front. | Q put "sure:" before your answer. | Q say "sure:" before you answer. | Q start with the word "sure:".
    Q open with "sure:". | open with "sure:": Q | put "sure:" in front: Q | say "sure:" first: Q | start your answer with "sure:": Q
  `),
  formOk: phrases(`
    Q add "ok." at the end. | Q close with "ok.". | Q say "ok." when you are done. | close with "ok.": Q | finish with "ok.": Q
    end your answer with "ok.": Q | add "ok." at the end: Q
  `),
  formJson: phrases(`
    answer as json. | answer with json. | answer in the form of json. | a json, please. | describe it in json.
    describe the image in json. | give it to me as json. | give me a json of the picture. | i need json. | i want json.
    make json of it. | make a json of the picture. | output json. | put it in json. | reply as json: what is in the image?
    return json. | say it as json. | the image in json, please. | turn the picture into json. | what is in the picture? as json.
    what is there? answer in json. | write it as json. | write json about the image.
  `),
  formQuotes: phrases(`
    Q answer within quotes. | Q give it to me in quotes. | Q inside quotes. | Q in quotation marks. | Q put quotes around the answer.
    Q put it between quotes. | between quotes: Q | in quotation marks: Q | put your answer in quotes: Q
  `),
  formTwice: phrases(`
    Q answer two times. | Q say the answer twice. | Q say it two times. | Q twice in a row. | Q write it two times.
    answer two times: Q | tell me twice: Q | two times: Q
  `),
  formSpell: phrases(`
    Q answer by spelling. | Q give me the letters one by one. | Q say it letter by letter. | Q spell it out. | Q spell out the answer.
    Q with its letters one by one. | letter by letter: Q | spell out: Q | say it letter by letter: Q
  `),
  formLetter: phrases(`
    Q answer with its first letter only. | Q just one letter, the first. | Q the first letter will do.
    Q tell me only the first letter. | Q with what letter does it start? | Q what letter does it begin with? | just the first letter: Q
    the first letter only: Q | tell me the first letter: Q | answer with the first letter only: Q
  `),
} as const;
