// The admin's board in English.
export default {
  live: "Live", timeShown: "Time shown", claimsPerSecond: "Claims per second", latency: "Answer time p99", ledgerBacklog: "Ledger backlog", ofCap: "of {0}", soldOut: "sold out", noList: "no waiting list", soFar: "{0} so far", drains: "drains in {0} at {1}/s", unknownYet: "not known yet", nobodyNow: "nobody claims right now",
  decisionsPerSecond: "Decisions per second", latencyTitle: "Answer time on this node", ledgerTitle: "Ledger: rows waiting", asTable: "Numbers as a table", decisions: "Decisions", decision: "Decision", eachSecond: "per second", countedSince: "Counted in Redis since it last began anew; granted and waiting above are exact.", total: "so far",
  sayRate: "{0} claims per second, {1} of them granted", sayPlaces: "{0} granted, {1} remaining, {2} waiting", sayLedger: "{0} rows waiting, drained in {1}",
  "d.granted": "Granted", "d.waitlisted": "Waitlisted", "d.repeated": "Repeated", "d.sold-out": "Sold out", "d.early": "Too early", "d.paused": "Paused", "d.late": "Closed", "d.ineligible": "Not eligible", "d.refused": "May not return", "d.superseded": "Superseded", "d.deciding": "Undecided (202)", "d.errors": "Errors", "d.others": "Other refusals", "d.unsure": "Undecided, errors",
  redisAway: "Redis is away. Claims go on, decided by the log alone; the counts of other nodes are missing here.", postgresAway: "The ledger is away. Claims go on; they are booked when it comes back.", logAway: "The log does not answer. Nothing can be decided until it does; members are told to wait.",
};
