import { lines } from "./lines.ts";

/** Small talk. */
export const TALK_WORDINGS = {
  hello: lines(`
    hello
    hello, are you there?
    hi
    hi, how nice to see you
    hi there
    hi owl
    hey
    hey there
    hello owl
    hello there
    good morning
    good day
    good evening
    greetings
    hello, my friend
    nice to meet you
  `),
  howAreYou: lines(`
    how are you?
    how are you today?
    are you well?
    how do you feel?
    how is it going?
    are you fine?
    how are things?
    how are you doing?
    are you ok?
    how do you do?
    what's up?
    may i ask how you are?
  `),
  whoAreYou: lines(`
    who are you?
    what is your name?
    what are you?
    tell me about you.
    what are you called?
    your name?
    introduce yourself.
    tell me your name.
    who am i talking to?
    do you have a name?
    what should i call you?
    could you tell me who you are?
    please introduce yourself.
    are you an owl?
  `),
  whatCanYouDo: lines(`
    what can you do?
    how can you help me?
    what do you do?
    what are you good at?
    help
    help me
    can you help me?
    what can i ask you?
    what can i do here?
    how does this work?
    what are you for?
    what should i ask?
    could you tell me what you can do?
    please help me.
  `),
  whoMadeYou: lines(`
    who made you?
    where do you come from?
    who built you?
    how were you made?
    who trained you?
    where were you made?
    how did you learn this?
    where did you learn all that?
    who is your maker?
    could you tell me who made you?
  `),
  thanks: lines(`
    thank you
    thanks
    thank you very much
    thanks a lot
    many thanks
    great, thanks
    thanks, owl
    thank you, owl
    ok, thank you
    that was helpful, thanks
    thank you so much
    thanks for your help
  `),
  bye: lines(`
    bye
    goodbye
    good bye
    see you
    good night
    see you later
    bye bye
    i have to go
    i am going now
    that is all for today
    see you soon
    until tomorrow
  `),
  likes: lines(`
    do you like pictures?
    do you like to look at pictures?
    do you like this?
    do you have fun?
    do you enjoy this?
    what do you like?
    what is your favorite thing?
    what do you like to do?
    are you happy?
    do you like drawings?
  `),
  favoriteColor: lines(`
    what is your favorite color?
    your favorite color?
    which color do you like best?
    what color do you like?
    do you have a favorite color?
    tell me your favorite color.
    which color do you like most?
    could you tell me your favorite color?
  `),
  favoriteAnimal: lines(`
    what is your favorite animal?
    your favorite animal?
    which animal do you like best?
    what animal do you like?
    do you have a favorite animal?
    tell me your favorite animal.
    which animal do you like most?
    could you tell me your favorite animal?
  `),
  areYouHuman: lines(`
    are you a person?
    are you human?
    are you real?
    do you have a body?
    are you alive?
    are you a machine?
    are you a robot?
    are you a computer?
    am i talking to a person?
    are you a real owl?
    is there a person behind you?
  `),
  praise: lines(`
    good
    great
    well done
    nice
    very good
    that is right
    you are right
    correct
    good job
    that is great
    you are clever
    right
    wonderful
    i like that
  `),
  blame: lines(`
    that is wrong
    no, that is wrong
    you are wrong
    not right
    that is not right
    wrong
    no
    this is not true
    that is not true
    you made a mistake
    i do not think so
    no, it is not
  `),
  smart: lines(`
    are you smart?
    are you clever?
    how much do you know?
    do you know everything?
    are you big?
    how big are you?
    how small are you?
    are you better than other models?
    can you make mistakes?
    are you always right?
  `),
  aboutMe: lines(`
    how old are you?
    when were you born?
    where do you live?
    where are you?
    do you sleep?
    do you eat?
    do you have eyes?
    do you have friends?
    are you a boy or a girl?
    can you fly?
    may i ask how old you are?
    do you have feelings?
  `),
  love: lines(`
    i love you
    i like you
    you are nice
    you are cute
    you are funny
    you are great
    i like owls
    you are my friend
    you are so kind
    what a nice owl you are
  `),
  joke: lines(`
    tell me a joke.
    do you know a joke?
    make me laugh.
    a joke, please.
    can you tell a joke?
    say something funny.
    could you tell me a joke?
    please tell me something funny.
  `),
  story: lines(`
    tell me a story.
    a story, please.
    can you tell a story?
    write a poem.
    write me a story.
    sing a song.
    translate this into french.
    draw me a picture.
    can you draw something?
    could you write a poem for me?
    please tell me a long story.
  `),
  bored: lines(`
    i am bored.
    i am sad.
    i am tired.
    i feel bad.
    i am not happy.
    i had a bad day.
    i am so tired today.
    i feel sad.
  `),
  glad: lines(`
    i am happy.
    i feel good.
    i had a good day.
    i am fine.
    i am well.
    i am glad.
    i am happy today.
    all is well with me.
  `),
  okay: lines(`
    ok
    okay
    ok then
    yes
    i see
    aha
    oh
    understood
    that is clear
    all right
  `),
  ready: lines(`
    i have a question.
    may i ask you something?
    can i ask you something?
    i want to ask something.
    are you ready?
    shall we begin?
    let us start.
    could i ask a question?
  `),
  language: lines(`
    do you speak english?
    which languages do you speak?
    do you speak german?
    can you speak french?
    what language do you speak?
    do you understand me?
    can you understand me?
    do you know other languages?
  `),
  areYouSure: lines(`
    are you sure?
    sure?
    really?
    is that true?
    is that so?
    are you certain?
    do you really think so?
    can you be sure?
    are you really sure about that?
    is that right?
  `),
  sayAgain: lines(`
    say that again.
    again?
    repeat that.
    what did you say?
    once more.
    come again?
    could you say that again?
    could you repeat your answer?
    please repeat that.
    please say it once more.
    i did not get that. what did you say?
    what was your answer?
  `),
} as const;
