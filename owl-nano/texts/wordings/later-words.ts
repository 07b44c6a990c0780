import { phrases } from "./lines.ts";

/** What people also say with numbers, words and lists, and what an owl cannot know. */
export const LATER_WORD_WORDINGS = {
  unsureThing: phrases(`
    does X have a name? | does X belong to me? | for how long have people had X? | for what price can i get X? | how big is X in meters?
    how fast is X? | how long is X? | how much did X cost? | how was X made? | in which shop can i buy X? | is X mine? | is X expensive?
    what does X weigh? | what does X want? | what is X dreaming of? | what is X doing tomorrow? | what is the weight of X?
    when did i buy X? | where did X come from? | where did i get X? | where can i buy X? | which company made X? | who bought X?
    who did X belong to? | who has X at home? | who invented X? | who is the owner of X? | why is X here?
  `),
  unsurePicture: phrases(`
    at what time was this drawn? | by whom was this drawn? | did a child draw this? | for whom is this picture?
    how old is this picture? | how much is this picture worth? | in what year was this made? | in which town is this?
    on what day was this drawn? | what day is it in the picture? | what did it look like before? | what do you think will happen?
    what happens after this? | what is behind it all? | what is outside of the picture? | what is the name of the artist?
    what is the story of this picture? | what is the temperature there? | what sound do you hear? | what was used to draw it?
    when was the picture taken? | where is this place? | where was this drawn? | which artist made this? | which camera was used?
    which program was used to draw it? | who is the artist? | who painted this? | who sent me this picture? | who took the photo?
    whose picture is this? | why was this made? | what time is it in the picture?
  `),
  unsureFar: phrases(`
    am i rich? | at what time does the train go? | can you find my phone? | can you see the future? | do i have a brother?
    do you know my friend? | does he love me? | how can i lose weight? | how can i sleep better? | how did the world begin?
    how do i bake bread? | how do i learn to swim? | how do i make money? | how do i write a program? | how does a computer work?
    how does a motor work? | how does the brain work? | how far is it to the next town? | how fast is sound?
    how high is the highest mountain? | how is the weather today? | how long will i live? | how many books are there?
    how many people live here? | how many stars are there? | how many teeth do i have? | how much money do i have?
    how much is a house? | how old is the earth? | how old is the world? | how tall am i? | how warm is it outside? | is god there?
    is there life in space? | is there life on mars? | what are the news? | what day is it? | what day is today?
    what did i eat yesterday? | what did you do yesterday? | what do i think? | what happened in the year 1990?
    what happened yesterday? | what is a black hole? | what is electricity? | what is gravity? | what is in my pocket? | what is love?
    what is my address? | what is my job? | what is on television tonight? | what is the best film? | what is the highest mountain?
    what is the largest city? | what is the longest river? | what is the news? | what is the time? | what is the truth?
    what is the weather like? | what should i do with my life? | what should i wear? | what time do we have? | what was my first word?
    what will the weather be? | what year is it? | when did the war end? | when does school begin? | when is easter?
    when is my birthday? | when will it rain? | when will i die? | where am i? | where are my glasses? | where is my car?
    where is my phone? | where is the next shop? | where is the toilet? | which book should i read? | which doctor is good?
    which team will win? | who am i going to marry? | who discovered america? | who is my best friend? | who is my father?
    who is the best singer? | who is the richest man? | who painted the mona lisa? | who rules the world? | who was einstein?
    who was napoleon? | who will win the game? | who won the match? | who wrote hamlet? | who wrote the bible? | why am i here?
    why are we here? | why do people die? | why do we dream? | why do we sleep? | why does it rain? | why is grass green?
    why is the sea salty? | why is water wet? | will i be rich? | will it snow?
  `),
  unsureWord: phrases(`
    W please? | can you tell me who W is? | can you tell me where W is? | have you heard of W? | i do not know W. do you?
    say something about W. | tell me more about W. | tell me something about W. | tell me what W is. | tell me who W is.
    what can you say about W? | what does the word W mean? | what do you know about W? | what is W good for? | what is meant by W?
    what kind of thing is W? | who or what is W?
  `),
  countList: phrases(`
    count the following: L | count the items: L | count them: L | how many items are in this list: L?
    how many things are in this list: L? | how many words do you read: L? | L. count them. | L. how many are these?
    L. how many words are there? | L: how many? | number of words: L | tell me how many words these are: L | the number of these: L?
  `),
  firstWord: phrases(`
    first one: L | give me the first word of: L | L. what comes first? | L. what is the first word? | L: the first word?
    name the first of these: L | name the first word: L | read only the first word: L | tell me the first word: L | the first: L
    which is the first: L?
  `),
  lastWord: phrases(`
    give me the last word of: L | L. what comes last? | L. what is the last word? | L: the last word? | last one: L
    name the last of these: L | name the last word: L | the last: L | what stands last: L? | which is the last: L?
  `),
  longestWord: phrases(`
    find the longest word: L | find the word with the most letters: L | give me the longest word: L | L. what is the longest word?
    L: the longest word? | name the longest of these: L | the longest of these words: L? | the longest: L | which is the longest: L?
    which of these words is longest: L? | which word has the most letters: L? | which word is the longest: L?
  `),
  sortWords: phrases(`
    alphabetical order: L | arrange the words: L | arrange these words from a to z: L | from a to z: L | L. sort them.
    L. put them in order. | in order, please: L | order the words: L | order these words: L | put the words in order: L
    put these from a to z: L | sort from a to z: L | sort in alphabetical order: L | what is the order of these words: L?
  `),
  sortNumbers: phrases(`
    arrange the numbers: L | arrange these numbers: L | from the smallest to the largest: L | L. sort them by size.
    L. put the numbers in order. | order the numbers: L | smallest first: L | sort by size: L | sort from small to large: L
  `),
  opposite: phrases(`
    W has which opposite? | W is the opposite of what? | W, and the opposite? | give me the opposite of W. | if it is not W, what is it?
    not W but what? | say the opposite of W. | the contrary of W? | the opposite of W is what? | what is not W? | what is opposite to W?
    what is the opposite word of W? | which word is the opposite of W?
  `),
  spell: phrases(`
    W is spelled how? | W, letter by letter, please. | W: spell it. | give me the letters of W. | how do i spell W? | how do i write W?
    how do you spell the word W? | how does one spell W? | how is W written? | i can not spell W. can you? | say W letter by letter.
    spell out W. | tell me how to spell W. | the letters of W? | the letters of W, please. | what is the spelling of W?
    which letters has W?
  `),
  lettersOf: phrases(`
    W: how many letters? | how long is W? | how many letters are there in W? | how many letters does the word W have?
    how many letters has W? | how many letters make up W? | number of letters in W? | tell me the number of letters in W.
    the count of letters in W? | the number of letters of W? | what is the number of letters in W?
  `),
  firstLetterOf: phrases(`
    W starts with what letter? | W: first letter? | give me the first letter of W. | what does W begin with? | what does W start with?
    what is the first letter in W? | what letter does W begin with? | which letter comes first in W? | which letter is the first in W?
  `),
  lastLetterOf: phrases(`
    W ends with what letter? | W: last letter? | give me the last letter of W. | name the last letter of W. | the final letter of W?
    what does W end with? | what is the final letter of W? | what is the last letter in W? | what letter does W end with?
    which letter comes last in W? | which letter is the last in W? | with what letter does W end?
  `),
  copy: phrases(`
    W. repeat that. | copy the words: W | echo: W | echo this: W | just say: W | now say: W | now you say: W | read this: W
    repeat exactly: W | repeat the words: W | say after me: W | say the words: W | say this: W | type: W | write the words: W
    write this: W
  `),
  upperCase: phrases(`
    W in big letters? | W in capital letters? | W in upper case? | big letters for W? | can you put W in capitals? | make W big.
    make capitals of W. | make the letters of W capital. | put W in capital letters. | put W in capitals. | say W in capitals.
    turn W into capitals. | write W big. | write W in big letters. | write W in upper case.
  `),
  plural: phrases(`
    W, but many? | give me the plural of W. | how do you say more than one W? | i have two of them, two what, if one is W?
    if there are many W, what do i say? | more than one W is called what? | name the plural of W. | one W, many what?
    one W, three what? | say the plural of W. | what do you call two of W? | what is the plural form of W? | what is more than one W?
  `),
  nameKind: phrases(`
    an example of W? | can you think of W? | come up with W. | give me an example of W. | give me the name of W.
    i am thinking of W. which one could it be? | i want to hear W. | just name W. | say W that you know. | tell me the name of W.
    what is an example of W? | what is W, for example? | what is the name of W?
  `),
  nameThree: phrases(`
    can you think of three W? | examples of W, three of them? | give me the names of three W. | i need three W. | just three W.
    mention three W. | say three W. | tell me the names of three W. | think of three W. | what are three W? | write down three W.
  `),
  plus: phrases(`
    A and B is how much? | A and B makes what? | A plus B equals? | A plus B is? | A plus B is how much? | A with B added? | add A to B.
    add B to A. | how many are A and B? | how much are A and B together? | how much do A and B make? | how much is A and B?
    if i have A and add B, what do i get? | the sum of A and B? | what are A and B together? | what is A and B? | what is A added to B?
    work out A plus B.
  `),
  plusSigns: phrases(`
    A + B equals? | A + B is what? | add up A + B | compute A + B | give me A + B. | solve A + B | what does A + B make? | what is A+B?
    work out A + B.
  `),
  minus: phrases(`
    A less B? | A minus B equals? | A minus B is? | A minus B is how much? | A take away B? | from A take B. what is left?
    how many are left of A without B? | how much is left if i take B from A? | i have A and give away B. how many are left?
    i have A and lose B. how many are left? | subtract B from A. | the difference between A and B? | what is A less B?
    what is left if you take B from A? | what remains if i take B from A? | work out A minus B.
  `),
  minusSigns: phrases(`
    A - B equals? | compute A - B | give me A - B. | solve A - B | what does A - B make? | what is A-B? | work out A - B.
  `),
  times: phrases(`
    A multiplied by B? | A times B equals? | A times B is? | A times B is how much? | B times the number A?
    how much is A multiplied by B? | the product of A and B? | what do A times B make? | what is A multiplied by B? | what is A by B?
    work out A times B.
  `),
  timesSigns: phrases(`
    A*B | compute A * B | give me A * B. | how much is A * B? | multiply A * B | solve A * B | solve A x B | what is A x B?
    what does A * B make? | work out A x B.
  `),
  divide: phrases(`
    A by B, divided? | A divided by B? | A over B? | A/B | calculate A / B | compute A / B | how many times does B go into A?
    how much is A / B? | solve A / B | what is A / B? | work out A / B.
  `),
  larger: phrases(`
    A or B, what is more? | A or B, which is larger? | A or B: larger? | bigger: A or B? | compare A and B: which is more?
    is A larger or B? | of A and B, which is larger? | the bigger one of A and B? | the larger number, A or B? | what is bigger, A or B?
    what is larger, A or B? | which number is bigger, A or B? | which is more, A or B? | which one is higher, A or B?
  `),
  smaller: phrases(`
    A or B, what is less? | A or B, which is smaller? | A or B: smaller? | compare A and B: which is less? | is A smaller or B?
    less: A or B? | of A and B, which is smaller? | the lower one of A and B? | the smaller number, A or B?
    tell me what is less, A or B. | what is smaller, A or B? | which is less, A or B? | which is lower, A or B?
    which one is less, A or B? | which one is smaller, A or B?
  `),
  isMore: phrases(`
    A is larger than B, right? | A is more than B: true? | A more than B? | check if A is more than B. | do you think A is more than B?
    i think A is more than B. right? | is A a bigger number than B? | is A above B? | is A higher than B?
    is it true that A is more than B? | is the number A larger than B?
  `),
  nextNumber: phrases(`
    A and then? | A is followed by what? | A, and what comes next? | count on from A. | give me the next number after A.
    if i count, what comes after A? | name the number after A. | say the number after A. | the number after A? | what is next after A?
    what is the number after A? | which number follows A? | which number is next after A?
  `),
  previousNumber: phrases(`
    A comes after what number? | count back from A. | give me the number before A. | if i count, what comes before A?
    name the number before A. | say the number before A. | the number before A? | the number just before A? | what is just before A?
    what number is before A? | which number is before A? | which number is just before A?
  `),
  nextLetter: phrases(`
    W is followed by which letter? | after W in the alphabet comes what? | give me the letter after W.
    in the alphabet, what comes after W? | name the letter after W. | say the letter after W. | tell me the letter after W.
    the letter after W? | what is the letter after W? | what letter follows W? | what letter is after W? | which letter is next after W?
  `),
  previousLetter: phrases(`
    before W in the alphabet comes what? | give me the letter before W. | in the alphabet, what comes before W?
    say the letter before W. | tell me the letter before W. | the letter before W? | the letter just before W?
    what letter is before W? | which letter is before W? | which letter is just before W?
  `),
  dayAfter: phrases(`
    W is followed by which day? | after W comes which day? | after W it is which day? | if it is W, what day is tomorrow?
    name the day after W. | tomorrow, if today is W? | what day is after W? | what is the next day after W? | which day is after W?
    which day is next after W?
  `),
  dayBefore: phrases(`
    before W comes which day? | if it is W, what day was yesterday? | name the day before W. | say which day is before W.
    what comes before W in the week? | what day is before W? | which day is before W? | which day is just before W?
    yesterday, if today is W?
  `),
  monthAfter: phrases(`
    W is followed by which month? | after W comes which month? | name the month after W. | say which month is after W.
    what comes after W in the year? | what is the next month after W? | what month follows W? | what month is after W?
    which month is after W? | which month is next after W?
  `),
  monthBefore: phrases(`
    W comes after which month? | before W comes which month? | name the month before W. | say which month is before W.
    what comes before W in the year? | what month is before W? | which month is before W?
  `),
  dayCount: phrases(`
    a week is how many days? | count the days of a week. | days of a week? | how long is a week? | how many days are there in a week?
    how many days make a week? | number of days in a week? | the number of days in a week? | what is the number of days in a week?
  `),
  monthCount: phrases(`
    a year is how many months? | count the months of a year. | how many months are there in a year? | how many months make a year?
    months of the year, how many? | number of months in a year? | the number of months in a year?
    what is the number of months in a year?
  `),
} as const;

/** Questions about what is known of a thing or a country, by the name of the relation. */
export const LATER_FACT_WORDINGS: Readonly<Record<string, readonly string[]>> = {
  eats: phrases(`
    diet of X? | its food, i mean that of X? | on what does X feed? | what do you feed to X? | what does X find to eat?
    what does X have for dinner? | what does X live on? | what does X need to eat? | what does X usually eat? | what is X eating?
    what is the diet of X? | what is the favorite food of X? | what kind of food does X eat? | what should i give X to eat?
    which food does X like? | which food does X need?
  `),
  home: phrases(`
    can you say where X lives? | do you know where X lives? | in what kind of place does X live? | in which place does X live?
    the home of X? | what is the home of X? | what place does X call home? | where do you see X in nature? | where does X have its home?
    where does X make its home? | where does X spend its days? | where does X stay? | where does X usually live?
    where would i look for X?
  `),
  legs: phrases(`
    do you know how many legs X has? | give me the number of legs of X. | how many feet does X stand on? | how many legs belong to X?
    how many legs can X use to walk? | number of legs of X? | on how many legs does X stand? | on how many legs does X walk?
    the number of legs of X? | what number of legs does X have? | with how many legs does X walk?
  `),
  young: phrases(`
    do you know the word for the young of X? | give me the name of the young of X. | how is the baby of X called?
    how is the young of X called? | the child of X is called what? | the name of the baby of X? | the young of X?
    what do people call the baby of X? | what is the child of X called? | what is the name of the baby of X?
    what is the name of the young of X? | what word do we use for the baby of X?
  `),
  taste: phrases(`
    do you know how X tastes? | has X a sweet taste or what? | how is the taste of X? | if i bite into X, how does it taste?
    is X sweet, sour or what? | of what taste is X? | the taste of X? | what does X taste of? | what is X like to eat?
    what kind of taste does X have? | what flavor does X have? | what is the flavor of X? | which taste does X have?
  `),
  grows: phrases(`
    do you know where X grows? | from what does one pick X? | from where do we get X? | in what place does X grow?
    on what kind of plant does X grow? | the place where X grows? | where can i pick X? | where can one see X grow?
    where do farmers get X? | where does X come from, a tree or the ground? | where is X growing? | where is X to be picked?
  `),
  madeof: phrases(`
    do you know what X is made of? | of what is X made? | of which material is X made? | the material of X?
    what did they use to make X? | what do they make X of? | what does one use to make X? | what goes into X? | what is X made out of?
    what is the main thing in X? | what is the material of X? | what material is X? | what material is X made of?
    what must i buy to make X?
  `),
  use: phrases(`
    do you know what X is for? | for what is X good? | for what is X made? | how do people use X? | the purpose of X?
    what can X be used for? | what can i do with X? | what do we need X for? | what do we use X for? | what do you do with X?
    what does one do with X? | what good is X? | what is X good for? | what is X made for? | what is the purpose of X?
    what would i use X for? | when do i need X? | why do i need X?
  `),
  place: phrases(`
    can you say where X belongs? | do you know where to find X? | in what place do you expect X?
    the place of X? | where do people keep X? | where do you expect X? | where do you usually find X?
    where does X usually stand? | where is X normally? | where is the place of X? | where would one expect X?
    where would you find X? | where would you put X? | where would you see X?
  `),
  kind: phrases(`
    do you know what kind of thing X is? | in which group does X belong? | into what category does X fall? | of which kind is X?
    of which sort is X? | the category of X? | the class of X? | to what category does X belong? | to what group does X belong?
    to which class does X belong? | to which group does X belong? | what category is X? | what class of thing is X?
    what group is X in? | what is the general name for X? | what is the general word for X? | what is the kind of X? | what sort is X?
    what type is X? | generally speaking, what is X?
  `),
  capital: phrases(`
    do you know X's capital? | give me the capital of X. | in which city is the government of X? | the capital city of X?
    the main city of X? | what city is the capital of X? | what is the capital city in X? | what is the main city of X?
    which capital does X have? | which city is X's capital? | X has what capital? | X's capital?
  `),
  continent: phrases(`
    X is on which continent? | X is where in the world? | do you know the continent of X? | give me the continent of X.
    in what part of the earth is X? | in which part of the world do you find X? | in which part of the world is X?
    of what continent is X a part? | what continent does X belong to? | what is X's continent? | what part of the world is X in?
    where on the map is X? | where on earth is X? | which continent does X belong to?
  `),
  language: phrases(`
    X speaks which language? | do you know what is spoken in X? | give me the language of X. | how do people talk in X?
    in X, what do people speak? | in what language do people talk in X? | in which language do they speak in X? | what is spoken in X?
    what is the main language of X? | what is X's language? | what language do i need in X? | what language do they use in X?
    what tongue do they speak in X? | which language do people speak in X? | which language do people use in X?
    which language is used in X?
  `),
  currency: phrases(`
    X has what money? | do you know the money of X? | give me the currency of X. | how do i pay in X? | in X, with what do people pay?
    in what money do people pay in X? | what coins do they use in X? | what do i pay with in X? | what currency do they have in X?
    what currency do people use in X? | what currency is used in X? | what is X's currency? | what is the money in X called?
    what kind of money does X have? | what money do they use in X? | what money is used in X? | which money do i need in X?
  `),
};
