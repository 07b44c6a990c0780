import { lines } from "./lines.ts";

/** Questions about what a picture shows. X and Y stand for things with their article, N for a number, C for a color. */
export const PICTURE_WORDINGS = {
  /** What one thing is. */
  nameOne: lines(`
    what is this?
    what is it?
    what's this?
    whats this?
    what's that?
    what is that?
    name?
    name it.
    this is?
    what thing is this?
    what object is this?
    which thing is this?
    name the thing.
    name the object.
    name this.
    what is the thing in the picture?
    what is the object in the image?
    what is this a picture of?
    what is this a photo of?
    this is a picture of what?
    what am i looking at?
    what did i draw here?
    what have i drawn?
    what do we have here?
    what could this be?
    what is this thing called?
    how do you call this?
    what would you call this?
    guess what this is.
    tell me what this is.
    say what this is.
    do you know what this is?
    can you tell what this is?
    i wonder what this is.
    i would like to know what this is.
    i do not know what this is. do you?
    can you name this?
    can you please name the thing in the picture?
    could you please tell me what this is?
    could you tell me what it is?
    would you please name the object?
    please name it.
    please tell me what is in this picture.
    identify this.
    identify the object in the drawing.
    what has been drawn here?
  `),
  /** K: "animal". */
  nameOfKind: lines(`
    what K is this?
    which K is this?
    what K do you see?
    what K is it?
    name the K.
    what kind of K is this?
    what sort of K is it?
    what K is in the picture?
    which K is shown here?
    what K did i draw?
    K?
    what is this K called?
    tell me what K this is.
    do you know which K this is?
    i wonder what K this is.
    can you name the K?
    could you tell me which K it is?
    please name this K.
    please tell me what K you see.
    would you say which K this is?
  `),
  /** What there is, one thing or several. */
  see: lines(`
    what do you see?
    what can you see?
    what is in the picture?
    what is in the image?
    what is in the photo?
    what is in the drawing?
    what is on the picture?
    what's in the picture?
    what is here?
    what is shown?
    what is shown here?
    what does the picture show?
    what does the image show?
    what does this show?
    what is there to see?
    what can be seen in the picture?
    what is visible?
    tell me what you see.
    tell me what is in the picture.
    say what you see.
    what is drawn in the picture?
    can you see anything?
    i want to know what you see.
    do you know what is in the image?
    could you say what is in the photo?
    please tell me what you can see.
    would you tell me what is shown here?
    look at the picture. what is in it?
  `),
  /** Which things there are. */
  nameMany: lines(`
    what things are there?
    which things are in the picture?
    which things do you see?
    name the things.
    name all the things.
    name everything you see.
    what things can you see?
    what objects are in the image?
    which objects are shown?
    what are these?
    what are these things?
    what all is there?
    list what you see.
    tell me which things there are.
    i wonder what these are.
    tell me all that is in the picture.
    can you name the things in the picture?
    could you please name all things?
    please list the things you see.
    please name the objects in the photo.
    do you know what these are?
    what is in the picture? name all of it.
    everything you can see, please.
    what sorts of things are there?
  `),
  describe: lines(`
    describe the picture.
    describe the image.
    describe this picture.
    describe this.
    describe it.
    describe the photo.
    describe the drawing.
    describe what you see.
    caption?
    caption this.
    caption the image.
    write a caption.
    give me a caption.
    make a caption for this picture.
    tell me about the picture.
    tell me about this image.
    give a description of the image.
    give me a description.
    what would be a good caption?
    how would you describe this picture?
    what is happening in the picture?
    what does the whole picture look like?
    say in a sentence what the picture shows.
    put the picture into words.
    i can not see the picture. describe it to me.
    describe the scene.
    can you describe the picture?
    can you describe what is in the photo?
    could you please describe the picture for me?
    could you write a caption for the image?
    would you please describe this drawing?
    please describe what you see.
    please describe the picture.
    please caption this photo.
  `),
  background: lines(`
    what color is the background?
    what is the color of the background?
    which color is the background?
    what color does the background have?
    background color?
    color of the background?
    and the background?
    the background?
    what color is behind it?
    what color is at the back?
    tell me the background color.
    name the color of the background.
    what's the background color?
    on what color is it drawn?
    which color do you see behind it?
    how is the background colored?
    i wonder what color the background is.
    what is the background like?
    can you tell the color of the background?
    could you tell me what color the background is?
    please tell me the color of the background.
    would you name the background color, please?
    can you see what color the background has?
    in what color is the background of the picture?
  `),
  /** Color of a thing. X: "the car". */
  color: lines(`
    what color is X?
    what is the color of X?
    which color is X?
    what color does X have?
    in what color is X?
    the color of X?
    color of X?
    what's the color of X?
    tell me the color of X.
    name the color of X.
    how is X colored?
    i wonder what color X is.
    which color has X?
    what color would you say X is?
    what color is X in the picture?
    can you tell me the color of X?
    could you tell me what color X is?
    please tell me the color of X.
    can you see what color X is?
    would you say what color X has, please?
    look at X. what color is it?
  `),
  /** Color of the only thing, by a pronoun. */
  itsColor: lines(`
    color?
    what color?
    what color is it?
    what color is this?
    which color is it?
    what is its color?
    what color does it have?
    what is the color of this thing?
    which color has it?
    tell me its color.
    name its color.
    and its color?
    what color is the thing?
    in which color was it drawn?
    can you tell me its color?
    could you please say what color it is?
    i would like to know its color.
    please name the color of it.
  `),
  /** Is there one of them? X: "a cat". */
  isThere: lines(`
    is there X?
    is there X in the picture?
    is there X in the image?
    is there X here?
    is X there?
    do you see X?
    can you see X?
    do you see X in the photo?
    X?
    is X in the picture?
    is X in the drawing?
    does the picture show X?
    does the image show X?
    does the picture have X in it?
    did someone draw X?
    is X shown?
    is X to be seen?
    is X anywhere in the picture?
    i wonder if there is X.
    tell me if there is X.
    tell me whether you see X.
    could you tell me if there is X?
    please tell me if you see X.
    can you find X in the image?
  `),
  /** The same of several. X: "cats". */
  areThere: lines(`
    are there any X?
    are there X?
    are there X in the picture?
    do you see any X?
    do you see X anywhere?
    can you see any X?
    any X?
    are any X in the image?
    does the picture show any X?
    are there any X here?
    tell me if there are any X.
    i wonder if there are X.
    could you say if there are any X?
    please tell me if you see any X.
    are X shown in the photo?
    did someone draw X here?
  `),
  /** Is it one? X: "a cat". */
  isThis: lines(`
    is this X?
    is it X?
    is that X?
    is this X or not?
    is this a picture of X?
    is this a drawing of X?
    this is X, right?
    this is X, isn't it?
    i think this is X. am i right?
    would you say this is X?
    could this be X?
    is the thing in the picture X?
    does this look like X?
    am i right that this is X?
    tell me if this is X.
    can you tell me if this is X?
    please tell me whether this is X.
    is what you see X?
  `),
  /** X: "the car" or "it", C: a color. */
  isColor: lines(`
    is X C?
    is X C or not?
    is the color of X C?
    X is C, right?
    is X really C?
    would you say X is C?
    is C the color of X?
    tell me if X is C.
    is X C in the picture?
    do you see that X is C?
    i think X is C. right?
    can you tell me if X is C?
    could you say whether X is C?
    please tell me if X is C.
    am i right that X is C?
    does X have the color C?
  `),
  /** X: "dogs", N: a number. */
  areThereNumber: lines(`
    are there N X?
    do you see N X?
    are there N X in the picture?
    N X?
    is it true that there are N X?
    does the picture show N X?
    i count N X. right?
    i see N X. is that right?
    are these N X?
    are there exactly N X?
    is the number of X N?
    tell me if there are N X.
    can you see N X?
    could you check if there are N X?
    please tell me if there are N X.
    would you say there are N X?
  `),
  /** X: "dogs". */
  count: lines(`
    how many X are there?
    how many X do you see?
    how many X can you see?
    how many X?
    how many X are in the picture?
    how many X are in the image?
    how many X are shown?
    count the X.
    count the X in the photo.
    what is the number of X?
    number of X?
    tell me how many X there are.
    tell me the number of X.
    i wonder how many X there are.
    how many X did i draw?
    how many X does the picture show?
    there are how many X?
    can you count the X?
    can you tell how many X there are?
    could you please count the X?
    could you tell me how many X you see?
    please count the X.
    please say how many X there are.
    would you count the X for me?
  `),
  countAll: lines(`
    how many things are there?
    how many things do you see?
    how many?
    how many are there?
    how many things are in the picture?
    how many objects are there?
    how many things are there in all?
    how many things are there in total?
    how many objects can you see?
    count the things.
    count everything.
    count them.
    count all objects in the image.
    what is the number of things?
    tell me how many things you see.
    what is the total number of things?
    how many things did i draw?
    i wonder how many things there are.
    can you count the things?
    can you count them all?
    could you please count the objects?
    could you tell me how many things there are?
    please count the things in the picture.
    please tell me the number of things.
  `),
} as const;
