// 화면에 나오는 말. text.en.js와 같은 내용을 담는다.
const n = new Intl.NumberFormat("ko");
export default {
  notice: "알림", menu: "페이지", campaigns: "행사", liveNav: "라이브", skip: "본문으로", close: "닫기", loading: "불러오는 중…",
  days: (d, rest) => `${n.format(d)}일 ${rest}`,
  offline: "오프라인입니다. 연결되면 알아서 이어집니다.", unreachable: "서버에 연결할 수 없습니다. 계속 다시 시도하고 있어요.",
  noAnswer: "응답이 오지 않았어요.", noAnswerText: "네트워크가 끊겼을 수 있습니다. 잠시 뒤 다시 시도해 주세요.",

  signIn: "로그인", signOut: "로그아웃", name: "이름", token: "토큰", nameHint: "체험 모드예요. 이름만 있으면 되고, 이 브라우저에 기억됩니다.", tokenHint: "주최자의 로그인에서 받은 토큰을 넣어 주세요.",
  signInEmpty: "입력해 주세요.", badToken: "여기서 쓸 수 없거나 만료된 토큰입니다.", signInTitle: "로그인하고 신청하세요", signInMine: "로그인하면 내 내역이 보여요", trialText: "체험용 이름으로 들어와 있어요. 신청한 자리는 이 이름에 남습니다.", signedInText: "이 브라우저에 로그인되어 있어요.",

  openNow: "지금 신청할 수 있어요", opensNext: "곧 열려요", past: "종료된 행사", mine: "내 신청", points: "포인트", pointsTotal: v => `${n.format(v)}포인트`, noneOpen: "지금 열려 있는 행사가 없어요.", noneAtAll: "아직 행사가 없어요. 새 행사는 여기에 저절로 나타납니다.", nothingMine: "아직 없어요. 신청하면 여기에 나타납니다.", more: "더 보기", showPast: "종료된 행사 보기", homeTitle: "먼저 온 순서 그대로", homeText: "한 번만 누르면 정확한 결과를 바로 알려 드려요. 순서는 신청이 도착한 순서입니다.",
  "kind.event": "행사", "kind.reward": "리워드", "kind.reaction": "공감",
  "status.scheduled": "예정", "status.open": "신청 중", "status.paused": "일시 중지", "status.closed": "종료", "status.archived": "종료", soldOut: "마감", "place.granted": "신청 완료", "place.waitlisted": "대기 중", "place.cancelled": "취소함",
  rank: r => `${n.format(r)}번째`, opensAt: at => `${at} 시작`, opensInShort: c => `${c} 뒤 열려요`, closesAt: at => `${at} 종료`, eachPoints: p => `1인당 ${n.format(p)}포인트`, opensLater: "시작 시간은 아직 정해지지 않았어요",
  leftOf: cap => `자리 남음 · 전체 ${n.format(cap)}`, leftShort: (left, cap) => `${n.format(left)}자리 남음 · 전체 ${n.format(cap)}`, taken: g => `지금까지 ${n.format(g)}명`, waitingN: w => `대기 ${n.format(w)}명`, places: cap => `모집 ${n.format(cap)}명`,

  soFar: "명이 함께했어요", stillLeft: "남은 자리", opensIn: "시작까지", opensSoon: "곧 열립니다", byServer: "서버 시간 기준이에요.", clockOff: sec => `이 기기의 시계가 ${sec}초 다르지만 괜찮아요.`, fillNow: "양식을 미리 채워 두세요. 시작할 때까지 이 기기에 보관됩니다.", readyNow: "준비됐어요. 버튼이 켜지면 누르세요.",
  claim: "신청하기", claimReward: "받기", claimPoints: p => `${n.format(p)}포인트 받기`, claimReaction: "공감하기", joinList: "대기자로 신청", again: "다시 신청하기",
  open: "신청할 수 있어요", openUnlimited: "누구나 신청할 수 있어요", fullTitle: "마감되었어요", fullOpen: "대기할 수 있어요. 자리가 나면 순서대로 저절로 내 자리가 됩니다.", fullFull: "대기자 명단도 가득 찼어요. 자리가 나면 버튼이 다시 켜집니다.", fullNone: "자리가 나면 버튼이 저절로 다시 켜집니다.", listFull: "대기 마감",
  paused: "잠시 멈췄어요", pausedText: "사라지는 것은 없어요. 여기에서 저절로 이어집니다.", pausedShort: "일시 중지", closed: "종료되었어요", closedText: "찾아와 주셔서 고마워요.", closedShort: "종료", leftTitle: "신청을 취소했어요", leftText: "취소하면 다시 신청할 수 없는 행사예요. 실수였다면 주최자에게 문의해 주세요.", cancelledNote: "신청을 취소했어요. 다시 신청할 수 있습니다.", cancelledMeanwhile: "신청이 종료되었어요.",
  missing: "아직 아무것도 없어요", missingText: "주소를 확인해 주세요. 나중에 공개되면 여기에 저절로 나타납니다.", toCampaigns: "전체 행사 보기",

  deciding: "신청을 받았어요", decidingSend: "신청을 보내고 있어요", decidingText: "결과는 저절로 나옵니다. 다시 누르지 않아도 되고, 두 번 신청되지 않아요.", decidingBusy: "접속이 아주 많아요. 대신 다시 보내고 있어요.", decidingLost: "네트워크가 끊겼어요. 연결되면 바로 다시 보냅니다.", decidingLong: "결정하는 중이에요. 평소보다 조금 오래 걸리네요.", retryIn: sec => `${sec}초 뒤 다시 보냅니다`, leaving: "잠시만요…",
  granted: "신청 완료", grantedReward: "받았어요", grantedReaction: "반영했어요", yourRank: "신청한 순서", fromList: "대기 순서가 되어 자리를 받았어요.", plusPoints: p => `+${n.format(p)}포인트`, ticketNo: "접수 번호", claimedAt: "신청 시각", inBooks: "장부", booked: "기록됨", queued: "기록하는 중", cancel: "신청 취소", takeBack: "되돌리기",
  waiting: "대기 중이에요", nextInLine: "다음 차례예요.", waitingText: "이 숫자는 저절로 줄어듭니다. 차례가 되면 바로 내 자리가 되고 이 화면이 알려 드려요.", place: "대기 순서", ticket: "대기 번호", leave: "대기 그만두기",
  cancelTitle: "신청을 취소할까요?", cancelText: "자리는 바로 다음 사람에게 넘어갑니다. 다시 신청하면 맨 뒤에 서게 돼요.", cancelTextOver: "자리는 바로 다음 사람에게 넘어갑니다. 이 행사는 다시 신청할 수 없어요.", cancelYes: "네, 취소할게요", cancelNo: "그대로 둘게요", leaveTitle: "대기를 그만둘까요?", leaveText: "대기 순서가 사라집니다. 다시 신청하면 맨 뒤에 서게 돼요.", leaveYes: "네, 그만둘게요", leaveNo: "계속 기다릴게요", cancelled: "취소했어요.", left: "대기를 그만뒀어요.", cancelUntil: at => `${at}까지 취소할 수 있어요.`, cancelOver: "취소할 수 있는 기간이 지났어요.",

  about: "소개", form: "신청 양식", formKept: "이 기기에 보관돼요.", answers: "내 답변", change: "고치기", save: "저장", saved: "저장했어요.", leaveIt: "그만두기", required: "필수", choose: "선택…", yes: "예", no: "아니요",
  "fault.required": "입력해 주세요.", "fault.email": "이메일 주소가 아니에요.", "fault.phone": "전화번호가 아니에요.", "fault.number": "숫자가 아니에요.", "fault.min": v => `${v} 이상이어야 해요.`, "fault.max": v => `${v} 이하여야 해요.`, "fault.long": v => `${v}자까지 쓸 수 있어요.`, "fault.tick": "체크해 주세요.", "fault.one": "하나 이상 골라 주세요.", "fault.marks": "제어 문자는 쓸 수 없어요.", "fault.size": "답변이 전체적으로 너무 길어요.", "fault.other": "양식에 맞지 않아요.",
  checkForm: "확인이 필요한 답변이 있어요.",

  toGo: "뒤에 열려요", live: "라이브", liveText: "새 이벤트는 저절로 나타나요. 새로 고치지 않아도 됩니다.", liveEmpty: "지금은 진행 중인 이벤트가 없어요. 기다리면 다음 이벤트가 저절로 나타납니다.", total: "내 포인트", gotPoints: p => `+${n.format(p)}`, details: "자세히", done: "완료", newOne: title => `새 이벤트: ${title}`, fillFirst: "작성하고 신청하기", connected: "실시간", polling: "몇 초마다 확인하는 중",

  "say.open": "열렸습니다. 지금 신청할 수 있어요.", "say.minutes": m => `${m}분 뒤 열립니다.`, "say.seconds": x => `${x}초 뒤 열립니다.`, "say.deciding": "신청을 보내고 있습니다.", "say.granted": r => `신청되었습니다. ${r}번째입니다.`, "say.waiting": p => `대기자 명단에 올랐습니다. ${p}번째입니다.`, "say.full": "마감되었습니다.", "say.cancelled": "신청을 취소했습니다.",

  "problem.not-open-yet": "아직 열리지 않았어요", "problem.not-open-yet.text": () => "조금 일렀어요. 시간이 되면 버튼이 켜집니다.",
  "problem.sold-out": "마감되었어요", "problem.sold-out.text": p => (p.waitlist === "open" ? "남은 자리가 없어요. 대기자로 신청할 수 있습니다." : "남은 자리가 없어요. 자리가 나면 버튼이 다시 켜집니다."),
  "problem.campaign-paused": "잠시 멈췄어요", "problem.campaign-paused.text": () => "신청이 접수되지 않았어요. 다시 시작되면 한 번 더 눌러 주세요.",
  "problem.campaign-closed": "종료되었어요", "problem.campaign-closed.text": () => "여기서는 더 신청할 수 없어요.",
  "problem.not-eligible": "이 계정은 신청 대상이 아니에요", "problem.not-eligible.text": p => `정해진 계정만 신청할 수 있어요${p.rule ? ` (${p.rule})` : ""}. 대상이라고 생각되면 주최자에게 문의해 주세요.`,
  "problem.already-cancelled": "이미 취소했어요", "problem.already-cancelled.text": () => "취소하면 다시 신청할 수 없는 행사예요.",
  "problem.superseded": "예전에 누른 신청이에요", "problem.superseded.text": () => "그사이 신청이 취소되었어요. 자리를 원하면 한 번 더 눌러 주세요.",
  "problem.invalid-answers": "확인이 필요한 답변이 있어요", "problem.invalid-answers.text": () => "표시된 곳을 고치고 다시 눌러 주세요. 아직 신청되지 않았어요.",
  "problem.not-found": "아무것도 없어요", "problem.not-found.text": () => "내려간 행사일 수 있어요.",
  "problem.rate-limited": "너무 많이 눌렀어요", "problem.rate-limited.text": () => "한 번이면 충분해요. 잠시 기다려 주세요.",
  "problem.overloaded": "접속이 아주 많아요", "problem.overloaded.text": () => "아직 결정된 것은 없어요. 잠시 뒤 다시 시도해 주세요.", "problem.unavailable": "잠시 이용할 수 없어요", "problem.unavailable.text": () => "아직 결정된 것은 없어요. 잠시 뒤 다시 시도해 주세요.", "problem.stopped": "안전을 위해 멈췄어요", "problem.stopped.text": () => "확인하고 있어요. 잠시 뒤 다시 시도해 주세요.", "problem.internal": "서버에 문제가 생겼어요", "problem.internal.text": () => "다시 시도해 주세요. 두 번 신청되는 일은 없어요.",
  "problem.cancellation-closed": "이제 취소할 수 없어요", "problem.cancellation-closed.text": () => "주최자에게 취소를 부탁해 주세요.", "problem.state-forbids": "이제는 할 수 없어요", "problem.state-forbids.text": () => "종료된 행사예요.",
  "problem.unauthenticated": "다시 로그인해 주세요", "problem.unauthenticated.text": () => "로그인 시간이 끝났어요.", "problem.forbidden": "권한이 없어요", "problem.forbidden.text": () => "여기서는 할 수 없는 일이에요.", "problem.too-large": "답변이 너무 길어요", "problem.too-large.text": () => "줄인 다음 다시 눌러 주세요.", "problem.malformed": "읽을 수 없었어요", "problem.malformed.text": () => "새로 고친 뒤 다시 시도해 주세요.", "problem.invalid": "쓸 수 없는 내용이에요", "problem.invalid.text": () => "입력한 내용을 확인해 주세요. 쓸 수 없는 문자가 있어요.", "problem.no-cookie": "이 브라우저는 로그인을 기억하지 못해요", "problem.no-cookie.text": () => "쿠키를 허용하거나 https로 열어 주세요.",
};
