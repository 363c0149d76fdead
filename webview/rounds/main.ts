import "../page.css";
import "./rounds.css";
import "./phases/phases.css";
import { Bridge } from "../bridge.ts";
import { RoundsView } from "./rounds-view.ts";

document.body.append(new RoundsView(new Bridge("rounds")));
