import { phrases } from "./lines.ts";

/** What people also say when they ask about pictures. */
export const LATER_PICTURE_WORDINGS = {
  nameOne: phrases(`
    identify the object in the picture. | what object have we got here? | recognize it? | do you recognize this?
    can you recognize the thing shown? | what would people call this? | what am i holding up to you? | in your opinion, what is this?
    what does this picture show us? | what is the subject of the image? | what is this supposed to be? | my picture shows what?
    the thing in the image, what is it? | tell me the name of this thing. | what is the item here? | give me its name.
    this here, what is it? | help me, what is this? | a quick question: what is this?
    which object does the illustration show? | what did the artist draw? | what is pictured? | what is the main thing here?
  `),
  nameOfKind: phrases(`
    identify the K. | do you recognize the K? | what is the K called? | what K do we see? | the K in the picture is which one?
    what K have we here? | which K have i drawn? | say which K that is. | name of the K?
  `),
  see: phrases(`
    what can be seen here? | what is in front of you? | what do you notice? | what do you see in the scene?
    what do you spot in this image? | what is depicted? | what is in this illustration? | what have i shown you?
    what do your eyes see?
    anything to see here? | show me what you can see. | what do you see when you look at it?
    what does the drawing contain? | what is there on the image? | tell me the contents of the picture.
  `),
  nameMany: phrases(`
    identify the objects. | identify everything in the scene. | list the objects in the image. | list all objects.
    what items are in the picture? | what do you find in the picture? | which objects are there? | what different things are there?
    say what all the things are. | tell me each thing you see. | name both things. | what are both things? | what are the two objects?
    what are the two things in it? | name the two.
  `),
  describe: phrases(`
    describe. | describe the whole scene. | describe the scenery for me. | describe the image in a sentence.
    describe the content of the image. | describe what is depicted. | describe this for someone who can not see it.
    what is this scene? | explain the picture. | explain what we see. | summarize the image. | sum up the picture.
    give me a summary of the picture. | a caption, please. | what caption fits this? | write one sentence about this image.
    write a sentence about the picture. | say something about this picture. | talk about this image.
    tell me what the picture is about. | what is the image about? | give me the details of the picture. | paint me the picture in words.
    how does the picture look? | what does this image look like? | a sentence about this, please.
    i can not see the picture. what is in it and where? | describe what the drawing shows. | give a short description of the scene.
  `),
  background: phrases(`
    backdrop color? | what is the backdrop? | which shade is the background? | the background, which color?
    what color is used for the background? | what color fills the background? | what is the color of the surface behind it?
    what color can be seen behind it? | what color surrounds the thing? | what color surrounds it? | what color is it painted on?
    painted on what color? | against which color does it stand? | it is in front of what color?
    what is the color at the back of the picture? | the color of the backdrop? | the rest of the image is what color?
    color in the back? | what is the main color of the picture? | identify the background color.
  `),
  color: phrases(`
    X: color? | the shade of X? | what shade is X? | what color was X painted in? | what color is used for X?
    in which color do you see X? | what does the color of X look like? | X is painted in what color? | give me the color of X.
    identify the color of X. | what is the main color of X? | and what color would X be? | how would you call the color of X?
    which color did i give to X?
  `),
  itsColor: phrases(`
    what shade is it? | how would you call its color? | which color did i use for it? | what color is it mostly? | give me its color.
    the main color of it? | its main color? | in which color is it painted? | it is painted in what color? | identify its color.
    what color is the object? | what color is the thing itself? | what is the color of the object? | color of it?
  `),
  isThere: phrases(`
    is X in there? | is X in this scene? | is X anywhere to be seen? | is X visible? | is X pictured? | is X depicted? | does X appear?
    does X appear in the picture? | does this contain X? | does the scene contain X? | do we see X here? | do you recognize X in it?
    have you found X? | can you spot X? | can we see X anywhere?
    any sign of X? | is there X somewhere? | is there X in front of you?
    can you detect X? | was X drawn? | there is X in it, is that so? | i think there is X. right? | i think i see X. do you?
    check if X is there. | check the image for X.
  `),
  areThere: phrases(`
    can you spot any X? | can we see any X? | have you found any X? | is there any X? | do X appear in it? | do you notice any X?
    are any X visible? | are X visible? | are there X somewhere? | does the scene contain any X? | check if there are any X.
    i think there are X. right?
    any X to be seen?
  `),
  isThis: phrases(`
    might this be X? | can it be X? | can this be X? | is what i drew X? | does it look like X to you? | it looks like X. is it?
    this looks like X, right? | is the object X? | is the object in the image X? | is it correct that this is X?
    is it true that this is X? | check whether this is X. | X? is it? | that should be X. is it? | i guess this is X. am i right?
    i bet it is X. is it? | do you agree that this is X? | does this image show X? | somebody told me this is X. is that true?
    shall i call it X?
  `),
  isColor: phrases(`
    is X painted C? | is X colored C? | do you see X in C? | does X look C? | does X look C to you? | is it true that X is C?
    is it correct that X is C? | i would say X is C. am i right? | X looks C, is that so? | check if X is C. | do you agree that X is C?
  `),
  areThereNumber: phrases(`
    do we see N X? | do you count N X? | have you found N X? | does it show N X? | is it N X that you see?
    is it correct that there are N X? | i count N X. is that right? | i think there are N X. right? | N X, is that right?
    check if there are N X. | do you agree that there are N X?
  `),
  count: phrases(`
    X, how many? | number of X in the image? | what is the count of X? | what is the number of X in the scene?
    how many X have you found? | how many X can you find? | how many X can you count? | how many X do you notice?
    how many X does the image contain? | how many X does this contain? | how many X in the picture? | how many X appear?
    how many X are in this scene? | how many X are visible? | how many X do we have? | how many X have we got here?
    tell me the count of X. | tell me how many X you can find. | give me the count of X. | do you know how many X there are?
    so how many X is it?
  `),
  countAll: phrases(`
    how many of them? | how many of those are there? | how many are in the picture? | how many are visible? | how many do you see?
    how many can you see? | how many can you count? | how many did i draw? | how many items do you count?
    how many objects can you find? | how many objects does the image contain? | how many things appear in the scene?
    what is the count? | what is the number of objects? | the total number of things in it? | number of things?
    number of objects in the image? | count them for me. | give me the count. | tell me how many. | tell me how many objects there are.
  `),
  whatIs: phrases(`
    what object can be seen R X? | what thing can you see R X? | what lies R X? | what do you find R X? | what do you notice R X?
    what can be found R X? | what can we see R X? | identify the thing R X. | which object lies R X? | the thing R X?
    the thing R X is what? | the object R X, what is it? | tell me the name of the thing R X. | there is something R X. what is it?
    check R X. what is it? | what have i put R X? | find out what is R X.
  `),
  whatIsAt: phrases(`
    what object can be seen S? | what lies S? | what do you find S? | what do you notice S? | what can be found S? | what can we see S?
    what have i put S? | identify the thing S. | identify the object S. | the thing S? | the thing S is what?
    the object S, what is it? | name the object S. | tell me the name of the thing S. | there is something S. what is it?
    look S. what is it? | S, what is there? | S, what do you see? | what thing lies S?
  `),
  whatKindIsAt: phrases(`
    identify the K S. | the K S? | which K can be seen S? | which K do you see S? | what do you call the K S? | the K S, what is it?
    do you recognize the K S?
  `),
  where: phrases(`
    where is X placed? | where is X located? | where is X to be seen? | where in the scene is X?
    where in the drawing is X? | where about is X? | where did you find X? | where does X lie? | where can X be seen?
    the position of X? | the location of X? | what is the position of X? | what is the location of X? | what position does X have?
    in which position is X? | in what place is X? | locate X. | find X. where is it? | i am looking for X. where is it?
    tell me the position of X. | tell me where you see X.
  `),
  whereIt: phrases(`
    where is it placed? | where is it located? | where is it to be seen? | where is the object?
    where is this thing in the picture? | where in the scene is it? | where does it lie? | where exactly is it?
    where in the image do you see it? | its position? | its location? | the position of the thing? | what is its position?
    what is its location? | what position does it have? | in which position is it? | in which part of the image is it?
    in which corner or side is it? | is it more to the left, to the right or in the middle? | locate it. | locate the thing.
    tell me its position. | tell me where it stands. | do you see where it is?
  `),
  isRelation: phrases(`
    is X located R Y? | is X placed R Y? | is X to be found R Y? | can X be found R Y? | do we see X R Y? | do you find X R Y?
    is it correct that X is R Y? | i would say X is R Y. am i right? | check if X is R Y. | do you agree that X is R Y?
    does X appear R Y? | X R Y, is that right?
  `),
  flag: phrases(`
    identify the flag. | identify this flag. | do you recognize the flag? | the flag of which country? | the flag of what country is it?
    the flag belongs to whom? | who does this flag belong to? | this flag is from where? | where does this flag come from?
    what country do you think of here? | what country is it? | which country is it? | which country is that?
    which state has this flag? | who has this flag? | what land does this flag stand for? | tell me which country this is.
    which nation is this?
  `),
  pairSame: phrases(`
    is there the same thing in each picture? | is there the same object in both? | do the two images contain the same thing?
    do both images have the same object? | do they have the same thing in them? | do the pictures match? | do they match?
    are these two the same thing? | are the objects identical? | is the second like the first? | is it twice the same?
    compare them. are they the same? | compare the pictures: same thing or not? | one and the same thing?
    is the thing in the second picture the same as in the first? | did the thing change? | same thing?
  `),
  whichPicture: phrases(`
    X appears in which picture? | which picture contains X? | which image contains X? | which picture has X in it? | which one has X?
    which one is X? | which one is it that shows X? | which of both has X? | which of these pictures contains X? | in which one is X?
    in which one do you see X? | in which picture did i draw X? | in which of the two can X be seen?
    where is X, the first image or the second? | where did i draw X, in the first or the second? | is X in picture one or two?
    tell me where X is, in the first or second picture. | locate X: first or second picture? | point me to the picture with X.
  `),
  inPicture: phrases(`
    identify what is in the O picture. | what can be seen in the O picture? | what does the O one show? | what does the O image contain?
    what do we see in the O image? | what is on the O picture? | what is on the O one? | what is pictured in the O image?
    what object is in the O picture? | what did i draw in the O picture? | what thing do you see in the O image?
    the O image shows what? | the O one is what? | the O picture, what is in it? | tell me what is in the O image.
    describe the O picture.
  `),
  readPicture: phrases(`
    what can be read in the O picture? | what can you read on the O sign? | what does the O one say? | which text is in the O image?
    which words are in the O picture? | the text in the O picture? | the O sign says what? | the words of the O sign, please.
  `),
  isInPicture: phrases(`
    do we see X in the O one? | does the O image contain X? | does the O picture contain X? | does X appear in the O image?
    is the thing in the O picture X? | is it true that X is in the O picture? | i think X is in the O picture. right?
    check if X is in the O one. | X is in the O picture, right?
  `),
  inBoth: phrases(`
    what is the thing in both? | what object is in both images? | what object do both contain? | what do both have?
    what do both contain? | what appears in both pictures? | which object can be seen in both? | what have the two in common?
    what is common to both? | identify the thing that is in both. | something is in both pictures. what?
  `),
  totalBoth: phrases(`
    how many things altogether? | how many objects do the two images contain in total? | how many objects in total in both?
    how many things do you count in both together? | how many are there in the two pictures together?
    the total number of things in both images? | what is the total of both pictures?
    in both pictures together, how many things do you see? | add up the things of both pictures. | both together, how many?
    count everything in both. | if we take both images, how many things are there?
  `),
  different: phrases(`
    what differs between the two? | what differs between the pictures? | what is the difference between them?
    what is the difference between the first and the second? | what is not the same? | what has changed between them?
    what changed from the first to the second? | where do they differ? | in what do they differ? | name the difference.
    tell me the difference. | explain the difference. | compare them. what is different? | how does the second differ from the first?
  `),
  describeBoth: phrases(`
    caption both. | describe each picture. | describe each image in a sentence. | describe them both. | describe what both show.
    explain both pictures. | what is in each picture? | what is in the two images? | what can be seen in both images?
    what do we see in the two pictures? | what are the two pictures of? | tell me what is in the first and in the second.
    tell me about each picture. | summarize both images. | say what each picture shows.
  `),
  sameBackground: phrases(`
    do both have one background color? | do the backgrounds match? | are both backgrounds of the same color?
    is the color behind the things the same? | is the color in the back the same in both? | is the backdrop the same?
    is there a different color behind the second? | compare the colors behind the things. same? | did i use the same background?
  `),
  backgroundOf: phrases(`
    what color is behind the thing in the O picture? | what color is the backdrop of the O image?
    which color does the O image have as its background? | the O picture is on what color? | the O picture has what background?
    the color behind the O one? | tell me the background of the O image. | tell me the color of the O background.
    in the O picture, what color is the background?
  `),
  whichMore: phrases(`
    which image contains more things? | which image contains more objects? | which of the two contains more?
    which of the pictures has more in it? | which one is fuller? | in which one did i draw more things? | in which one are there more?
    where do you count more, in the first or in the second? | where do you see more things?
    compare the numbers. which picture has more? | more objects are in which picture?
  `),
} as const;
