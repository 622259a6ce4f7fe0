// 관리자 현황판, 한국어.
export default {
  live: "실시간", timeShown: "표시 구간", claimsPerSecond: "초당 신청", latency: "응답 시간 p99", ledgerBacklog: "원장 대기", ofCap: "/ {0}", soldOut: "모두 찼습니다", noList: "대기 명단 없음", soFar: "지금까지 {0}건", drains: "초당 {1}행, {0} 뒤 완료", unknownYet: "아직 알 수 없음", nobodyNow: "지금은 신청이 없습니다",
  decisionsPerSecond: "초당 처리 결과", latencyTitle: "이 노드의 응답 시간", ledgerTitle: "원장: 기다리는 행", asTable: "표로 보기", decisions: "처리 결과", decision: "결과", eachSecond: "초당", countedSince: "Redis가 마지막으로 새로 시작한 뒤의 집계입니다. 위의 확정과 대기는 정확합니다.", total: "누적",
  sayRate: "초당 신청 {0}건, 그중 확정 {1}건", sayPlaces: "확정 {0}, 남음 {1}, 대기 {2}", sayLedger: "{0}행 대기, {1} 뒤 완료",
  "d.granted": "확정", "d.waitlisted": "대기 등록", "d.repeated": "중복 신청", "d.sold-out": "자리 없음", "d.early": "시작 전", "d.paused": "일시 중지", "d.late": "마감 후", "d.ineligible": "대상 아님", "d.refused": "재신청 불가", "d.superseded": "이전 요청", "d.deciding": "처리 중(202)", "d.errors": "오류", "d.others": "기타 거절", "d.unsure": "처리 중·오류",
  redisAway: "Redis에 연결되지 않습니다. 신청은 로그만으로 계속 처리되며, 다른 노드의 집계는 여기서 빠져 있습니다.", postgresAway: "원장에 연결되지 않습니다. 신청은 계속 처리되고, 연결되면 기록됩니다.", logAway: "로그가 응답하지 않습니다. 응답할 때까지 아무것도 확정되지 않으며 회원에게는 기다리라고 안내합니다.",
};
