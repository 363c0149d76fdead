import "../page.css";
import "./topology.css";
import { Bridge } from "../bridge.ts";
import { LayoutService } from "./layout-service.ts";
import { TopologyView } from "./topology-view.ts";

const layouts = new LayoutService(document.body.dataset.workerUri ?? "");
document.body.append(new TopologyView(new Bridge("topology"), layouts));
