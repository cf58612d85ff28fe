/** What the page shows, as Python has put it into the element `data`. */

import { byId } from "./element.js";

export const data = JSON.parse(byId("data").textContent);
