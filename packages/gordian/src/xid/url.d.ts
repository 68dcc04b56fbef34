// Of the web's URL, which Node and every browser have, without the rest of the DOM's types in this room.
declare const URL: { canParse(text: string): boolean };
