/** Characters that pictures may show; small letters are read as capitals. */
export const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:!?$-&";
