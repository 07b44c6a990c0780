import { phrases } from "./lines.ts";

/** What people also say in words alone, between questions, and where a thought is wanted. */
export const LATER_TALK_WORDINGS = {
  legsTotal: phrases(`
    how many legs altogether? | how many legs are there altogether? | how many legs are in the picture?
    how many legs can you count in total? | how many legs do all of them have? | how many legs do you see in all?
    what is the sum of all legs? | what is the number of legs in the picture? | the number of legs in total? | add up the legs.
    add up all their legs. | total legs? | give me the total number of legs. | if all the animals stand, how many legs touch the ground?
  `),
  moreThan: phrases(`
    do X outnumber Y? | are X in the majority over Y? | can you see more X than Y? | did i draw more X than Y?
    does it have more X than Y? | does the scene have more X than Y? | is it true that there are more X than Y?
    i think there are more X than Y. right? | compare them: more X than Y? | check if there are more X than Y.
    more X than Y, is that right?
  `),
  moreOf: phrases(`
    what do we have more of? | what did i draw more of? | what is there more of? | what is more numerous?
    what is there in the greater number? | what do you count more of? | which thing did i draw more often?
    which thing comes more often? | which do you see more of? | which one is there more of? | X or Y, what is there more of?
    compare the numbers: what is there more of?
  `),
  fewerOf: phrases(`
    what do we have fewer of? | what did i draw fewer of? | what is there fewer of? | what is there less of?
    what do you count fewer of? | which thing comes less often? | which do you see fewer of? | which one is there fewer of?
    X or Y, what is there fewer of? | compare the numbers: what is there fewer of?
  `),
  oddOne: phrases(`
    find the odd one. | point out the odd one. | spot the odd one out. | one does not fit. which? | one of them is different. which one?
    one thing does not belong here. which one? | what thing is not like the rest? | what is out of place? | which is the odd one?
    which one is not like the rest? | which one is unlike the rest? | which object does not match the others?
    which one would you take away? | the stranger among them is which? | two are alike. which one is not?
  `),
  sameKind: phrases(`
    are both things of the same kind? | are the two of one sort? | are the things of the same type? | are they in the same group?
    are they related in kind? | are these two of the same type? | do both belong to one group? | do they fall in the same group?
    do the two things go together? | is the one the same kind of thing as the other? | would you put them in one group?
    same kind or different kinds? | compare them: one kind?
  `),
  property: phrases(`
    Z, right? | Z, yes or no? | hm, Z? | i ask myself: Z? | i would like to know: Z? | quick: Z? | say, Z? | answer me: Z?
    look at it: Z? | can you say: Z? | could it be: Z? | do you think: Z? | my question is: Z?
  `),
  whichOfTwo: phrases(`
    which one here P? | which one of them P? | which one of the two P? | which of these P? | which of the things P? | who here P?
    say which one P. | tell me the one that P. | i am looking for the one that P. | point to the one that P. | the one that P is which?
    is there one that P?
  `),
  whichOr: phrases(`
    which thing P, X or Y? | does X or Y fit: which one P? | is it X or Y that P? | tell me which one P: X or Y. | say which P, X or Y.
    compare X and Y: which one P? | there are two, X and Y. which one P?
  `),
  sameKindWords: phrases(`
    are X and Y of the same sort? | are X and Y in the same group? | is X of the same kind as Y? | X and Y: one kind or two?
    would you put X and Y in one group? | do X and Y fall in the same group? | i think X and Y are of one kind. right?
  `),
  legsWords: phrases(`
    how many legs is N X? | how many legs do we get with N X? | how many legs are on N X? | if i have N X, how many legs do they have?
    if i see N X, how many legs is that? | N X: how many legs? | what is the number of legs of N X?
    count it out: how many legs have N X? | add up the legs of N X. | in all, how many legs have N X?
  `),
  oddWords: phrases(`
    find the odd one: L. | L: find the odd one out. | L. one does not fit. which? | L. which one is different?
    one of these does not fit: L. | one of these is of another kind: L. | what does not fit here: L? | what is out of place here: L?
    which does not fit: L? | which is different: L? | which of these does not belong: L? | which word does not belong: L?
    which word is the odd one: L?
  `),
  andThis: phrases(`
    also X? | and for X? | and X then? | the same for X? | what of X? | X as well? | how is it with X? | now the same for X.
    tell me about X as well.
  `),
  andOther: phrases(`
    and what is the second? | and the second one? | and the second thing? | and the rest? | and which one is the other?
    the other thing? | what about the other? | what about the other thing? | what is the second thing? | what more is there?
    which is the second one? | now the other. | now the other one. | name the other one. | name the second thing.
    is there something else?
  `),
  andSide: phrases(`
    and what about S? | and the one S? | how about S? | S too? | now what is S? | what is there S then?
  `),
  inAll: phrases(`
    altogether? | and altogether? | how many altogether? | how many is that? | how many are there altogether then?
    how much is that together? | in total? | so in total? | the total then? | sum it up. | add them. | add them up. | together?
    taken together?
  `),
  whatThen: phrases(`
    and what is it? | but what is it? | if not, what is it? | no? what is it? | no? then what? | ok, what is it? | so what then?
    then what is there? | well, what is it? | what do you see instead? | what else would it be? | what is it instead?
    what is there instead? | what would you say it is?
  `),
  itsBackground: phrases(`
    and the backdrop? | and what color is behind? | behind it? | what about the background? | what color is the background then?
    the color behind it, too? | now what is behind it?
  `),
  isFood: phrases(`
    are X eating V? | is V food for X? | is V what X eat? | do X feed on V? | do X live on V? | does one feed V to X? | X eat V: true?
    would X eat V? | i heard that X eat V. is it so? | is it correct that X eat V?
  `),
  isHome: phrases(`
    are X found L? | do you find X L? | is it L that X live? | is the home of X L? | X live L: true? | would you find X L?
    i heard that X live L. is it so? | is it correct that X live L?
  `),
  isCapital: phrases(`
    is X's capital V? | is the capital of X V? | V is the capital of X: true? | does X have the capital V?
    i heard that V is the capital of X. is it so? | is it correct that V is the capital of X?
  `),
  isContinent: phrases(`
    is X a part of V? | is X in V or not? | is X on the continent V? | is the continent of X V? | does X lie in V? | X is in V: true?
    i heard that X is in V. is it so? | is it correct that X is in V?
  `),
  isLanguage: phrases(`
    is V the language in X? | is the language of X V? | do people speak V in X? | do you hear V in X? | they speak V in X, right?
    is it true that people in X speak V? | is it correct that they speak V in X? | i heard that they speak V in X. is it so?
  `),
  capitalOf: phrases(`
    V is in which country? | of what country is V the capital? | in what country is V? | in which country do i find V?
    what country does V belong to? | what country is V in? | what is V the capital of? | which country is V the capital of?
    whose capital is V? | where in the world is V? | where do i find V? | tell me the country of V.
  `),
  about: phrases(`
    anything about X? | can you say something about X? | give me some facts about X. | have you heard of X?
    i would like to learn about X. | i would like to know more about X. | let us talk about X. | let me hear about X.
    teach me about X. | teach me something about X. | tell me a fact about X. | tell me more about X. | tell me what you know about X.
    what is there to know about X? | what should i know about X? | X: what do you know? | explain something about X.
  `),
  livesThere: phrases(`
    name an animal that lives H. | name some animals H. | tell me who lives H. | what animal lives H? | which animal lives H?
    what animals are H? | what kinds of animals live H? | who is at home H? | which animals can be found H?
    what animals do you find H? | give me animals that live H.
  `),
  eatsThis: phrases(`
    what animal eats F? | which animal eats F? | which animals like F? | which animals feed on F? | who feeds on F?
    who likes to eat F? | tell me who eats F. | F is food for whom? | F is eaten by whom? | give me animals that eat F.
  `),
  isAKind: phrases(`
    does X belong to Y? | do you call X Y? | is X really Y? | is X a sort of Y? | is it true that X is Y? | is it correct that X is Y?
    i think X is Y. right? | i heard that X is Y. is it so? | would you call X Y? | X is Y: true? | X: is it Y? | check if X is Y.
  `),
  whatIsThing: phrases(`
    define X. | describe X in words. | give me a definition of X. | how would you explain X? | i do not know what X is.
    what do you call X? | what do people mean by X? | what do we mean by X? | what exactly is X? | what is meant by X?
    what is the meaning of X? | what kind of thing is X? | what sort of thing is X? | tell me in a sentence what X is. | X is what?
    X, what is that?
  `),
  trueOrFalse: phrases(`
    am i right: X | check this: X | correct or not: X | do you agree: X | is this correct: X | is this right: X | is this so: X
    i say: X right? | someone told me this: X is it true? | tell me if this is correct: X | true or not: X
    what do you say, is this true: X | X is that correct? | X is that so? | X is this true? | X true? | X do you agree?
  `),
  myName: phrases(`
    by the way, my name is X. | everybody calls me X. | for your information, my name is X. | friends call me X. | hello, call me X.
    hello, my name is X. | hi there, i am X. | i go by X. | it is X speaking. | just call me X. | let me introduce myself: X.
    me, i am X. | my friends call me X. | my first name is X. | my mother calls me X. | nice to meet you, i am X. | the name is X.
    this is X speaking. | X is how they call me. | you are talking to X.
  `),
  whatIsMyName: phrases(`
    can you remember my name? | did you keep my name? | did you note my name? | do you recall my name? | do you still know my name?
    have you forgotten my name? | how do people call me? | i forgot my name. what is it? | my name is what? | name me. | say my name.
    tell me who i am. | what do people call me? | what did i say my name was? | what name did i tell you? | what was my name?
    what was my name again? | which name did i give you? | who am i to you? | who are you talking to? | who is talking to you?
  `),
  myFavorite: phrases(`
    for me, X is the best K. | i love X. it is my favorite K. | i prefer X. it is my favorite K. | my best K is X.
    the best K for me is X. | note that my favorite K is X. | remember that my favorite K is X.
    if you ask me for my favorite K, it is X.
  `),
  whatIsMyFavorite: phrases(`
    can you recall my favorite K? | do you recall which K i like best? | my favorite K is what? | name my favorite K.
    say my favorite K. | what K did i say i like best? | what K do i prefer? | what is the K i like best? | what was my favorite K?
    which K is my favorite? | which is my favorite K?
  `),
  iHave: phrases(`
    guess what, i have X. | i brought X. | i carry X with me. | i keep X. | i just bought X. | in my house there is X.
    in my room i have X. | my sister gave me X. now i have it. | there is X that belongs to me. | there is X in my bag.
    X is what i have.
  `),
  whatDoIHave: phrases(`
    and what do i have? | do you recall what i have? | name the thing that i have. | say what i have. | what belongs to me?
    what did i say that i own? | what did i tell you that i have? | what do i own? | what is mine? | what thing do i have?
    what was mine? | which thing is mine?
  `),
  rememberNumber: phrases(`
    here is a number: X. | i give you a number: X. | i tell you a number: X. | keep in mind the number X. | keep this number: X.
    keep this number in your head: X. | please keep the number X. | remember X. | remember this number: X. | store this number: X.
    the number to remember is X. | the code number is X.
  `),
  whatNumber: phrases(`
    can you recall the number? | do you recall the number? | do you still know the number? | give me the number. | name the number.
    repeat the number. | say the number. | so what is the number? | the number is what? | the number, please.
    what number did i give you? | what number did i say? | what number was it? | what was the number again?
    which number did i tell you? | which number should you remember?
  `),
  remind: phrases(`
    can you remind me what i said? | can you say what i told you? | can you tell me what i told you? | do you recall what i told you?
    do you remember what i told you? | do you still know what i said? | i forgot what i said. what was it?
    i forgot. what did i tell you? | remind me. | remind me of what i said. | repeat what i said. | say again what i told you.
    tell me what i told you. | what did i tell you before? | what have i told you? | what was it i told you? | what were my words?
  `),
  hello: phrases(`
    a good day to you | are you there? | good afternoon | good evening, owl | good morning, owl | good to see you | hello again
    hello dear owl | hello little owl | hello my friend | hello to you | hey owl | hey you | hi again | hi friend | hi little owl
    hi there, owl | hiya | howdy | it is nice to see you | is anybody there? | welcome | well hello | yo
  `),
  howAreYou: phrases(`
    all well? | and how are you? | and you? | are you all right? | are you doing well? | do you feel good? | everything ok?
    how are things with you? | how are you feeling? | how are you now? | how do you feel today? | how goes it? | how have you been?
    how is life? | how is your day? | how was your day? | is all well with you? | is everything fine? | you ok?
  `),
  whoAreYou: phrases(`
    and who are you? | and you are? | are you a bird? | are you an owl or a program? | are you owl-nano? | can you introduce yourself?
    can you tell me who you are? | do you know who you are? | how do they call you? | how are you called?
    i do not know you. who are you? | i want to know who you are. | let me know who you are. | may i know your name?
    may i ask your name? | say something about yourself. | say who you are. | tell me about yourself.
    tell me something about yourself. | tell me what you are. | tell me who you are. | what are you exactly?
    what sort of model are you? | what's your name? | who am i speaking to? | who are you really? | who is there? | who is this?
    who're you? | whom am i talking with? | with whom am i talking? | you are who?
  `),
  whatCanYouDo: phrases(`
    can you do something for me? | can you give me some help? | help, please | how can i use you? | how can you be of help?
    how could you help me? | how do i use this? | how do i use you? | how do you work? | how may i use you? | i do not know what to ask.
    i need help. | in what can you help me? | name something you can do. | show me what you can do. | tell me what you can do.
    tell me what to ask. | what are you able to do? | what are you made for? | what are your skills? | what can i do with you?
    what can you do for me? | what can you help me with? | what can you tell me? | what do i do here? | what do you know?
    what do you know about? | what else can you do? | what is your job? | what is your purpose? | what kinds of questions can i ask?
    what may i ask? | what questions can you answer? | what should i do now? | what should we do? | what things can you do?
  `),
  whoMadeYou: phrases(`
    by whom were you made? | by whom were you trained? | from where do you know this? | how do you know all that?
    how do you know that? | how did they make you? | how did you come to be? | how did you get so clever? | tell me who made you.
    what are you made of? | what did you learn from? | where do you have that from? | where have you learnt that?
    which company made you? | who created you? | who develops you? | who has made you? | who invented you? | who is behind you?
    who is your creator? | who made this owl? | who programmed you? | who taught you? | who wrote you?
  `),
  thanks: phrases(`
    cheers | great help, thanks | i thank you | many thanks to you | my thanks | nice, thanks | nice, thank you | perfect, thank you
    thank you a lot | thank you for that | thank you for your answer | thank you for your help | thank you for your time
    thank you my friend | thanks a million | thanks again | thanks for the answer | thanks for the help | thanks so much
    thanks very much | thanks, friend | thanks, that helps | that helped me, thank you | that is all i wanted to know, thanks
    that is kind, thank you | that is kind of you | thx | ty | very helpful, thank you
  `),
  bye: phrases(`
    bye for now | bye then | bye, owl | bye, see you | cu | end | exit | farewell | good night, owl | have a good day | have a nice day
    i am done | i am leaving | i am off | i must go | i must go now | i will come back tomorrow | it was nice to talk to you
    let us stop here | quit | see you again | see you next time | see you tomorrow | so long | take care | talk to you later
    that was all | time to go | until next time
  `),
  likes: phrases(`
    are you enjoying yourself? | do you enjoy talking? | do you have hobbies? | do you like being an owl? | do you like me?
    do you like questions? | do you like talking to me? | do you like your job? | do you love pictures? | is this fun for you?
    what do you enjoy? | what do you like best? | what do you like most? | what do you love? | what is your hobby?
    what makes you happy? | which pictures do you like?
  `),
  favoriteColor: phrases(`
    do you prefer a color? | is there a color that you like? | name your favorite color. | what color do you prefer?
    what is the color you like best? | which color do you prefer? | which color is your favorite? | which is your favorite color?
  `),
  favoriteAnimal: phrases(`
    do you prefer an animal? | is there an animal that you like? | name your favorite animal. | what animal do you prefer?
    what is the animal you like best? | which animal do you prefer? | which animal is your favorite? | which is your favorite animal?
  `),
  areYouHuman: phrases(`
    are you a human being? | are you a living thing? | are you a man or a machine? | are you a model? | are you a person or a program?
    are you a program? | are you ai? | are you an ai? | are you artificial? | are you living? | are you made of flesh and blood?
    are you software? | do i talk to a human? | do i talk to a machine? | is this a human? | is this a machine?
    so you are not a human? | you are a robot, right? | you are not real, right? | do you live? | do you breathe?
  `),
  praise: phrases(`
    amazing | awesome | beautiful | bravo | congratulations | cool | excellent | exactly | fantastic | good answer | good boy
    good girl | good owl | good work | great answer | great job | great work | how clever of you | how nice | i am impressed
    impressive | lovely | nice answer | nice job | nice work | not bad | perfect | so clever | super | that is a good answer
    that is clever | that is correct | that is good | that is very good | that is wonderful | that was good | that was great
    that was right | true | very nice | very well | what a good answer | wow | yes, correct | yes, that is right | you are doing great
    you are good | you are good at this | you are so good | you did well | you got it | you know a lot | you know so much
  `),
  blame: phrases(`
    bad answer | false | how wrong | i am afraid that is wrong | i do not agree | i doubt it | i doubt that | i think you are wrong
    incorrect | it is not | it is wrong | no way | no, it is wrong | no, not at all | no, sorry | no, you are wrong | nonsense | nope
    not correct | not quite | not so good | not true | oh no | sorry, no | sorry, that is wrong | that can not be | that is a mistake
    that is false | that is incorrect | that is not correct | that is not good | that is not it | that is not so | that was a mistake
    that was wrong | this is wrong | try harder | what nonsense | wrong answer | you are mistaken | you are not right | you got it wrong
    you were wrong
  `),
  smart: phrases(`
    are you a big model? | are you a large model? | are you bright? | are you good? | are you intelligent? | are you stupid?
    are you wise? | can you be wrong? | can you fail? | can i trust you? | can i believe you? | do you always know?
    do you ever make mistakes? | do you make mistakes? | how clever are you? | how good are you? | how large are you?
    how many parameters do you have? | how smart are you? | how wise are you? | is everything true that you say?
    is what you say always right? | should i trust you? | what size are you? | how sure can i be of your answers?
  `),
  aboutMe: phrases(`
    are you a male or a female? | are you hungry? | are you married? | are you old? | are you young? | can you feel? | can you hear?
    can you see me? | can you think? | can you walk? | do you dream? | do you drink? | do you ever sleep? | do you get tired?
    do you have a birthday? | do you have a family? | do you have a home? | do you have a mother? | do you have arms?
    do you have ears? | do you have parents? | do you have wings? | do you need food? | do you need sleep? | do you think?
    how long do you live? | in what place do you live? | what do you eat? | what do you look like? | what is your age?
    when is your birthday? | where are you from? | where is your home? | which year were you made? | your age?
  `),
  love: phrases(`
    i am your friend | i enjoy talking to you | i like talking to you | i like you a lot | i love owls | i love talking to you
    let us be friends | we are friends | what a sweet owl | will you be my friend? | you are a good friend | you are a good owl
    you are a nice owl | you are lovely | you are my favorite | you are so cute | you are sweet | you are the best | you are wonderful
    you make me happy
  `),
  joke: phrases(`
    a joke? | can you be funny? | can you make a joke? | do you know any jokes? | do you know something funny? | give me a joke.
    i want a joke. | i want to laugh. | joke, please. | joke? | let me hear a joke. | make a joke. | tell a joke.
    tell me another joke. | tell me your best joke. | something funny, please.
  `),
  story: phrases(`
    can you sing? | can you write a story? | compose a song. | do you know a poem? | do you know a story? | draw a cat.
    draw something. | make a picture for me. | make up a story. | paint me something. | read me a story. | say a poem. | sing for me.
    sing me a song. | tell a story. | tell me a tale. | translate that. | translate this. | translate this into german. | write a story.
    write an essay. | write code for me. | write a program. | write me a letter. | write me a poem.
  `),
  bored: phrases(`
    everything is bad. | i am alone. | i am angry. | i am lonely. | i am sick. | i am sleepy. | i am so bored. | i am so sad.
    i am unhappy. | i am very tired. | i feel alone. | i feel lonely. | i had a hard day. | i have nothing to do. | it is a sad day.
    life is hard. | my day was bad. | this is boring. | today was bad.
  `),
  glad: phrases(`
    all is good. | all is well. | everything is fine. | everything is good. | fine, thanks. | good, thank you. | i am doing fine.
    i am doing well. | i am good. | i am great. | i am ok. | i am so happy. | i am very happy. | i am very well. | i am well, thank you.
    i feel fine. | i feel great. | i feel happy. | i had a great day. | i have a good day. | it is a good day. | it is a great day.
    my day was good. | today is a good day.
  `),
  okay: phrases(`
    ah | ah, i see | ah, ok | alright | fine | good to know | got it | hm | hmm | i understand | i got it | indeed | interesting | mhm
    now i understand | of course | oh, i see | oh, ok | ok, good | ok, i see | okay then | so that is it | that makes sense | well
    yeah | yep
  `),
  ready: phrases(`
    are you ready for a question? | can i ask a question? | can we begin? | can we start? | could i ask you something?
    here comes a question. | here is a question. | i am going to ask you something. | i have a question for you.
    i have some questions. | i have something to ask. | i need to ask you something. | i want to ask you a question.
    i would like to ask something. | i would like to ask you a question. | let us begin. | let us go. | let us play a game.
    let us talk. | may i ask a question? | may i ask? | ready? | shall we start? | there is something i want to ask.
    will you answer my questions?
  `),
  language: phrases(`
    can you read what i write? | can you speak another language? | can you speak english? | can you speak german?
    can you speak spanish? | do you know chinese? | do you know english? | do you know french? | do you speak another language?
    do you speak chinese? | do you speak french? | do you speak spanish? | do you understand english? | do you understand what i say?
    how many languages do you speak? | in what language can i write? | which language do you speak? | which languages do you know?
  `),
  areYouSure: phrases(`
    are you absolutely sure? | are you really certain? | are you really sure? | are you sure about that? | are you sure of it?
    but are you sure? | can i be sure of that? | certain? | do you know that for sure? | do you mean it? | how sure are you?
    is that really so? | is that really true? | is this right? | is this true? | no doubt? | really sure? | you are sure?
    you think so? | you sure?
  `),
  sayAgain: phrases(`
    again, please. | can you repeat it? | can you repeat that? | can you say it again? | can you say that once more?
    i did not hear that. | i did not hear you. | i did not understand. say it again. | i missed that. | one more time.
    one more time, please. | pardon? | repeat it. | repeat it, please. | repeat your answer. | repeat, please. | repeat. | say again?
    say it again. | say it one more time. | sorry, what was that? | sorry? | tell me again. | tell me once more. | what was that?
    what was that again? | what?
  `),
} as const;
