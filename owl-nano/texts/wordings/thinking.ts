import { lines } from "./lines.ts";

/** Questions that need a step of thought, and questions about two pictures. */
export const THINKING_WORDINGS = {
  legsTotal: lines(`
    how many legs are there?
    how many legs are there in all?
    how many legs do they have in total?
    how many legs in all?
    how many legs in total?
    how many legs do you count?
    count the legs.
    count all the legs.
    what is the total number of legs?
    all legs together, how many are they?
    how many legs have they together?
    tell me how many legs there are in the picture.
    if you count all legs, how many are there?
    how many legs do the animals have together?
    can you count the legs?
    could you work out how many legs there are?
    please count all legs.
    please tell me the total number of legs.
  `),
  /** X and Y: "dogs", "cats". */
  moreThan: lines(`
    are there more X than Y?
    more X than Y?
    do you see more X than Y?
    is the number of X larger than that of Y?
    does the picture show more X than Y?
    are X more than Y?
    there are more X than Y, right?
    tell me if there are more X than Y.
    i wonder if there are more X than Y.
    compare: are there more X than Y?
    can you tell if there are more X than Y?
    could you check if there are more X than Y?
    please say if there are more X than Y.
    count them. are there more X than Y?
  `),
  moreOf: lines(`
    what are there more of?
    which are there more of?
    of which thing are there more?
    which thing is there most often?
    more of what?
    of what do you see more?
    what is there the most of?
    of what are there the most?
    are there more X or more Y?
    more X or more Y?
    tell me of what there are more.
    do you see more X or more Y?
    can you tell of which there are more?
    could you say what there is more of?
    please tell me which are more, X or Y.
  `),
  fewerOf: lines(`
    what are there fewer of?
    which are there fewer of?
    of which thing are there fewer?
    fewer of what?
    of what do you see fewer?
    what is there the least of?
    are there fewer X or fewer Y?
    fewer X or fewer Y?
    tell me of what there are fewer.
    do you see fewer X or fewer Y?
    could you say what there are fewer of?
    please tell me which are fewer, X or Y.
  `),
  oddOne: lines(`
    which one does not belong?
    which one is the odd one out?
    what is the odd one out?
    odd one out?
    which thing does not fit?
    what does not fit?
    which one is different?
    which is not like the others?
    which one is of another kind?
    which one does not belong with the others?
    find the odd one out.
    name the one that does not belong.
    tell me which one does not fit.
    can you find the odd one?
    could you tell me which one does not belong?
    please find the one that does not fit.
  `),
  sameKind: lines(`
    are they the same kind of thing?
    are they of the same kind?
    same kind?
    is that the same kind of thing?
    do they belong together?
    do they belong to the same kind?
    are both of one kind?
    are the two alike in kind?
    are these the same sort of thing?
    tell me if they are of the same kind.
    i wonder if they are the same kind of thing.
    can you tell if they are of one kind?
    could you say whether they are the same sort?
    please tell me if they belong to the same kind.
  `),
  /** Z: "can it fly". */
  property: lines(`
    Z?
    Z or not?
    what do you think, Z?
    tell me: Z?
    i wonder: Z?
    do you know: Z?
    one question: Z?
    and Z?
    now Z?
    so Z?
    could you tell me: Z?
    please tell me: Z?
  `),
  /** P: "can fly". */
  whichOfTwo: lines(`
    which of the two P?
    which of them P?
    which one P?
    which P?
    what here P?
    which thing P?
    which thing in the picture P?
    one of them P. which one?
    who of the two P?
    name the one that P.
    tell me which one P.
    i wonder which of them P.
    find the one that P.
    can you tell which one P?
    could you tell me which of the two P?
    please name the one that P.
  `),
  /** X, Y: "a dog", "an owl"; P: "can fly". */
  whichOr: lines(`
    which P, X or Y?
    what P, X or Y?
    which one P: X or Y?
    X or Y: which one P?
    which of the two P, X or Y?
    there are X and Y. which P?
    of X and Y, which one P?
    what P: X or Y?
    X or Y, what P?
    tell me which P, X or Y.
    can you say which P, X or Y?
    could you tell me which one P, X or Y?
    please tell me what P, X or Y.
  `),
  sameKindWords: lines(`
    are X and Y the same kind of thing?
    are X and Y of the same kind?
    do X and Y belong to the same kind?
    X and Y: the same kind?
    are X and Y of one kind?
    is X the same kind of thing as Y?
    do X and Y belong together?
    tell me if X and Y are of the same kind.
    could you say if X and Y are the same kind?
    please tell me if X and Y are of one kind.
  `),
  legsWords: lines(`
    how many legs do N X have?
    how many legs have N X?
    N X have how many legs?
    how many legs do N X have together?
    there are N X. how many legs is that?
    count the legs of N X.
    i see N X. how many legs do i see?
    if there are N X, how many legs are there?
    could you tell me how many legs N X have?
    please work out the legs of N X.
    how many legs are N X?
    legs of N X?
  `),
  oddWords: lines(`
    which one does not belong: L?
    odd one out: L?
    what is the odd one out: L?
    which word does not fit: L?
    L: which one does not belong?
    L. which is the odd one out?
    find the one that does not belong: L.
    which of these is of another kind: L?
    could you find the odd one out: L?
    please name the one that does not fit: L.
  `),
  pairSame: lines(`
    are these the same?
    are they the same?
    same?
    the same?
    same or different?
    are both pictures the same?
    do both pictures show the same thing?
    do they show the same?
    is it the same thing in both pictures?
    is it the same thing twice?
    do you see the same thing in both?
    are the two pictures alike?
    is the same thing in both images?
    tell me if they show the same thing.
    i wonder if the two show the same.
    can you tell if they are the same?
    could you say whether both show the same thing?
    please tell me if the pictures show the same.
  `),
  /** X: "a cat". */
  whichPicture: lines(`
    which picture shows X, the first or the second?
    which picture shows X?
    in which picture is X?
    in which picture is X, the first or the second?
    where is X, in the first or the second picture?
    which image has X?
    which one shows X?
    is X in the first or the second picture?
    X: first or second?
    find X. which picture is it?
    which of the two pictures shows X?
    in which of the images do you see X?
    tell me which picture shows X.
    can you tell which picture shows X?
    could you tell me which image has X?
    please tell me in which picture X is.
  `),
  /** O: "first" or "second". */
  inPicture: lines(`
    what is in the O picture?
    what is in the O image?
    what does the O picture show?
    what do you see in the O picture?
    the O picture?
    and the O picture?
    what is the O picture?
    what is shown in the O image?
    what thing is in the O picture?
    name the thing in the O picture.
    tell me what is in the O picture.
    look at the O picture. what is it?
    can you name what is in the O picture?
    could you tell me what the O picture shows?
    please tell me what is in the O image.
    i wonder what the O picture shows.
  `),
  readPicture: lines(`
    what does the O picture say?
    what is written in the O picture?
    what text is in the O picture?
    what word is in the O picture?
    what does the sign in the O picture say?
    read the O picture.
    read the text in the O image.
    tell me what the O sign says.
    what is written on the O one?
    can you read the O picture?
    could you read me the O sign?
    please read the O picture.
  `),
  /** X: "a cat", O: "first" or "second". */
  isInPicture: lines(`
    is X in the O picture?
    is there X in the O picture?
    is there X in the O image?
    does the O picture show X?
    do you see X in the O picture?
    the O picture shows X, right?
    is it X in the O picture?
    does the O one show X?
    tell me if the O picture shows X.
    can you see X in the O picture?
    could you say if X is in the O picture?
    please tell me if there is X in the O image.
  `),
  inBoth: lines(`
    what is in both pictures?
    what is in both?
    what do both pictures show?
    what is in both images?
    which thing is in both pictures?
    what do they share?
    what is the same in both?
    what do you see in both?
    name the thing that is in both pictures.
    tell me what both pictures show.
    can you tell what is in both?
    could you name the thing in both images?
    please tell me what is in both pictures.
    both pictures have what?
  `),
  totalBoth: lines(`
    how many things are there in both pictures?
    how many things in both together?
    how many things do both pictures show together?
    how many things are there on both pictures in all?
    count the things in both pictures.
    what is the number of things in both images?
    tell me how many things both pictures have together.
    if you count both pictures, how many things are there?
    both pictures together: how many things?
    can you count the things in both pictures?
    could you count all things in the two pictures?
    please count the things in both images.
  `),
  different: lines(`
    what is different?
    what is the difference?
    what changed?
    what has changed?
    difference?
    how are they different?
    how do the pictures differ?
    what differs?
    find the difference.
    what is new in the second picture?
    tell me what is different.
    spot the difference.
    can you find the difference?
    could you tell me what has changed?
    please tell me how the pictures differ.
  `),
  describeBoth: lines(`
    describe both.
    describe both pictures.
    describe the two pictures.
    describe the pictures.
    caption both pictures.
    what do the two pictures show?
    what is in the two pictures?
    tell me about both pictures.
    what do you see in the two images?
    write a caption for each picture.
    can you describe both images?
    could you describe the two pictures?
    please describe both pictures.
    please tell me what each picture shows.
  `),
  sameBackground: lines(`
    do the pictures have the same background?
    is the background the same?
    same background?
    are the backgrounds the same?
    do both have the same background?
    have the two images the same background color?
    is the background of both pictures the same color?
    did the background change?
    tell me if the backgrounds are the same.
    can you tell if the background is the same?
    could you compare the backgrounds?
    please tell me if both have one background color.
  `),
  backgroundOf: lines(`
    what color is the background of the O picture?
    what is the background of the O picture?
    which color is behind the O one?
    the background of the O picture?
    what color does the O picture have behind it?
    what background does the O image have?
    name the background color of the O picture.
    tell me the background of the O picture.
    on which color is the O one?
    could you tell me the background color of the O image?
    please name the background of the O picture.
    background of the O?
  `),
  whichMore: lines(`
    which picture shows more things?
    which picture has more things?
    which image has more things in it?
    where are there more things, in the first or the second?
    in which picture do you see more things?
    which one has more?
    more things: first or second?
    tell me which picture has more things.
    can you tell which picture shows more?
    could you say which image has more things?
    please tell me which picture has more things.
    who has more, the first or the second picture?
  `),
} as const;
