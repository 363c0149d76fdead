import "uplot/dist/uPlot.min.css";
import "../page.css";
import "./metrics.css";
import { Bridge } from "../bridge.ts";
import { MetricsPage } from "./metrics-page.ts";

document.body.append(new MetricsPage(new Bridge("metrics")));
