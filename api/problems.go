package api

import "time"

// kind is one entry of the closed list of refusals. Codes never change.
type kind struct {
	code      string
	status    int
	retryable bool          // the same request may succeed later
	wait      time.Duration // the shortest Retry-After, where there is one
	texts     [2]text       // by language
}

// text is a problem in one language.
type text struct{ title, detail, next string }

// language is one that members are answered in.
type language int

const (
	english language = iota
	korean
)

// The refusals of a claim.
var (
	notOpenYet = &kind{"not-open-yet", 409, true, 5 * time.Second, [2]text{
		{"Not open yet", "The campaign has not opened.", "Wait until opens_at by the server's time and send the same request again."},
		{"아직 열리지 않았습니다", "신청이 아직 시작되지 않았습니다.", "서버 시간으로 opens_at까지 기다린 뒤 같은 요청을 다시 보내세요."}}}
	soldOut = &kind{"sold-out", 409, true, 0, [2]text{
		{"Sold out", "Every place is taken.", "Join the waiting list with if_full: waitlist if it is open, or try again later: a place may become free."},
		{"마감되었습니다", "남은 자리가 없습니다.", "대기자 명단이 열려 있으면 if_full: waitlist로 신청하거나 나중에 다시 시도하세요. 자리가 다시 날 수 있습니다."}}}
	campaignPaused = &kind{"campaign-paused", 409, true, 0, [2]text{
		{"Paused", "The campaign is paused for the moment.", "Send the same request again when the campaign goes on."},
		{"일시 중지되었습니다", "신청이 잠시 멈춰 있습니다.", "재개된 뒤 같은 요청을 다시 보내세요."}}}
	campaignClosed = &kind{"campaign-closed", 410, false, 0, [2]text{
		{"Closed", "The campaign has ended.", "Nothing more can be claimed here. A place that you hold stays yours."},
		{"종료되었습니다", "신청 기간이 끝났습니다.", "더 이상 신청할 수 없습니다. 이미 받은 자리는 그대로 유지됩니다."}}}
	notEligible = &kind{"not-eligible", 403, false, 0, [2]text{
		{"Not eligible", "This campaign is not for your account; rule names the condition that is not met.", "Sign in with an account that meets the condition, or ask the organiser."},
		{"신청 대상이 아닙니다", "이 계정은 신청 조건에 맞지 않습니다. rule이 맞지 않는 조건입니다.", "조건에 맞는 계정으로 로그인하거나 주최자에게 문의하세요."}}}
	alreadyCancelled = &kind{"already-cancelled", 409, false, 0, [2]text{
		{"Cancelled before", "You cancelled your place, and this campaign does not allow a return.", "Ask the organiser if the cancellation was a mistake."},
		{"이미 취소했습니다", "취소한 뒤에는 다시 신청할 수 없는 행사입니다.", "실수로 취소했다면 주최자에게 문의하세요."}}}
	superseded = &kind{"superseded", 409, true, 0, [2]text{
		{"Superseded", "This was an old copy of a claim that was cancelled meanwhile.", "Claim again if you still want a place."},
		{"이전 요청입니다", "그사이 취소된 신청의 오래된 요청입니다.", "자리를 원하면 다시 신청하세요."}}}
	invalidAnswers = &kind{"invalid-answers", 422, false, 0, [2]text{
		{"Invalid answers", "Some answers do not fit the form; errors names each of them.", "Correct the answers and send the claim again. Your place in the order is decided then."},
		{"답변이 올바르지 않습니다", "양식에 맞지 않는 답변이 있습니다. errors를 확인하세요.", "답변을 고쳐 다시 신청하세요. 순서는 그때 정해집니다."}}}
	cancellationClosed = &kind{"cancellation-closed", 409, false, 0, [2]text{
		{"Too late to cancel", "The time for cancelling is over.", "Ask the organiser to cancel for you."},
		{"취소할 수 없습니다", "취소 가능 기간이 지났습니다.", "주최자에게 취소를 요청하세요."}}}
)

// The refusals that pass.
var (
	rateLimited = &kind{"rate-limited", 429, true, time.Second, [2]text{
		{"Too many requests", "You sent more requests than are answered in this time.", "Wait for Retry-After seconds. Your place is safe: one claim is enough."},
		{"요청이 너무 많습니다", "짧은 시간에 너무 많은 요청을 보냈습니다.", "Retry-After 초만큼 기다리세요. 신청은 한 번이면 충분하며 결과는 안전합니다."}}}
	overloaded = &kind{"overloaded", 503, true, time.Second, [2]text{
		{"Overloaded", "Too much is under way at this moment. Nothing was decided.", "Send the same request again after Retry-After seconds; repeating is safe."},
		{"접속이 몰리고 있습니다", "지금은 처리할 수 없습니다. 결정된 것은 없습니다.", "Retry-After 초 뒤에 같은 요청을 다시 보내세요. 반복해도 안전합니다."}}}
	unavailable = &kind{"unavailable", 503, true, time.Second, [2]text{
		{"Unavailable", "A service that this needs is out of reach.", "Send the same request again after Retry-After seconds; repeating is safe, and nothing is granted twice."},
		{"일시적으로 이용할 수 없습니다", "필요한 서비스에 연결할 수 없습니다.", "Retry-After 초 뒤에 같은 요청을 다시 보내세요. 반복해도 두 번 지급되지 않습니다."}}}
	stopped = &kind{"stopped", 503, true, 5 * time.Second, [2]text{
		{"Stopped for safety", "This node found something wrong and answers nothing rather than something untrue.", "Send the same request again after Retry-After seconds; another node may answer."},
		{"안전을 위해 멈췄습니다", "이상이 발견되어 잘못된 답을 하지 않도록 멈췄습니다.", "Retry-After 초 뒤에 같은 요청을 다시 보내세요. 다른 서버가 답할 수 있습니다."}}}
	internalError = &kind{"internal", 500, true, 0, [2]text{
		{"Internal error", "Something went wrong on our side.", "Send the same request again; repeating is safe. Tell the operator the Request-Id if it goes on."},
		{"내부 오류입니다", "서버에서 문제가 발생했습니다.", "같은 요청을 다시 보내도 안전합니다. 계속되면 운영자에게 Request-Id를 알려 주세요."}}}
)

// The refusals of any request.
var (
	malformed = &kind{"malformed", 400, false, 0, [2]text{
		{"Malformed request", "The request cannot be read.", "Correct the request; detail says where it breaks."},
		{"잘못된 형식의 요청입니다", "요청을 읽을 수 없습니다.", "detail이 가리키는 부분을 고치세요."}}}
	unauthenticated = &kind{"unauthenticated", 401, false, 0, [2]text{
		{"Sign in first", "A valid token for this service is needed.", "Send Authorization: Bearer with a token that is valid, not expired and meant for this service."},
		{"로그인이 필요합니다", "이 서비스의 유효한 토큰이 필요합니다.", "유효한 토큰을 Authorization: Bearer 헤더로 보내세요."}}}
	forbidden = &kind{"forbidden", 403, false, 0, [2]text{
		{"Not allowed", "This is not allowed to you here.", "Ask an owner for the role. A browser's changes must come from this service's own pages."},
		{"권한이 없습니다", "여기서 허용되지 않는 작업입니다.", "소유자에게 역할을 요청하세요. 브라우저에서는 이 서비스의 페이지에서만 변경할 수 있습니다."}}}
	notFound = &kind{"not-found", 404, false, 0, [2]text{
		{"Not found", "There is nothing here, or nothing that you may see.", "Check the address."},
		{"찾을 수 없습니다", "존재하지 않거나 볼 수 없는 항목입니다.", "주소를 확인하세요."}}}
	methodNotAllowed = &kind{"method-not-allowed", 405, false, 0, [2]text{
		{"Method not allowed", "This address does not know the method.", "Use one of the methods in Allow."},
		{"지원하지 않는 메서드입니다", "이 주소에서 쓸 수 없는 메서드입니다.", "Allow 헤더의 메서드를 사용하세요."}}}
	notAcceptable = &kind{"not-acceptable", 406, false, 0, [2]text{
		{"Not acceptable", "This address cannot answer in the form that Accept asks for.", "Accept application/json."},
		{"제공할 수 없는 형식입니다", "Accept가 요구하는 형식으로 답할 수 없습니다.", "application/json을 받도록 하세요."}}}
	alreadyExists = &kind{"already-exists", 409, false, 0, [2]text{
		{"Already exists", "There is a campaign with this id and other content. Ids are never used again.", "Choose another id, or edit the campaign that is there."},
		{"이미 존재합니다", "같은 id의 다른 캠페인이 있습니다. id는 재사용되지 않습니다.", "다른 id를 쓰거나 기존 캠페인을 수정하세요."}}}
	stateForbids = &kind{"state-forbids", 409, false, 0, [2]text{
		{"Not in this state", "The campaign's state does not allow this.", "Read the campaign and its status first."},
		{"현재 상태에서 할 수 없습니다", "캠페인의 상태가 이 작업을 허용하지 않습니다.", "캠페인의 현재 상태를 확인하세요."}}}
	nodesTooOld = &kind{"nodes-too-old", 409, true, 0, [2]text{
		{"Nodes are too old", "Some nodes do not know these rules and would stop; nodes names them.", "Replace them by a newer build, wait ten seconds for what has ended, and send the same request again."},
		{"오래된 노드가 있습니다", "이 규칙을 모르는 노드가 있어 그대로 적용하면 멈춥니다. nodes를 확인하세요.", "새 버전으로 교체하고, 종료된 노드는 10초 뒤에 목록에서 사라지니 그때 같은 요청을 다시 보내세요."}}}
	preconditionFailed = &kind{"precondition-failed", 412, false, 0, [2]text{
		{"Changed meanwhile", "The campaign is not the version that If-Match names.", "Read it again, look at what changed, and send the change with the new ETag."},
		{"그사이 변경되었습니다", "If-Match가 가리키는 버전이 아닙니다.", "다시 읽어 변경 내용을 확인하고 새 ETag로 보내세요."}}}
	tooLarge = &kind{"too-large", 413, false, 0, [2]text{
		{"Too large", "The body is larger than is read here.", "Send a smaller body."},
		{"요청이 너무 큽니다", "본문이 허용 크기를 넘었습니다.", "본문을 줄여 보내세요."}}}
	unsupportedMedia = &kind{"unsupported-media-type", 415, false, 0, [2]text{
		{"Unsupported media type", "The body is not declared as JSON.", "Send Content-Type: application/json, not compressed."},
		{"지원하지 않는 형식입니다", "본문이 JSON으로 표시되지 않았습니다.", "Content-Type: application/json으로, 압축하지 않고 보내세요."}}}
	invalidInput = &kind{"invalid", 422, false, 0, [2]text{
		{"Invalid input", "Some of the input is not allowed; errors names each part.", "Correct what errors points at."},
		{"입력이 올바르지 않습니다", "허용되지 않는 입력이 있습니다. errors를 확인하세요.", "errors가 가리키는 부분을 고치세요."}}}
	preconditionRequired = &kind{"precondition-required", 428, false, 0, [2]text{
		{"If-Match is needed", "This change needs If-Match, so that nobody overwrites what they have not seen.", "Read the campaign and send its ETag as If-Match."},
		{"If-Match가 필요합니다", "모르는 변경을 덮어쓰지 않도록 If-Match가 필요합니다.", "캠페인을 읽고 ETag를 If-Match로 보내세요."}}}
)

// kinds is the closed list.
var kinds = []*kind{notOpenYet, soldOut, campaignPaused, campaignClosed, notEligible, alreadyCancelled, superseded,
	invalidAnswers, cancellationClosed, rateLimited, overloaded, unavailable, stopped, internalError, malformed,
	unauthenticated, forbidden, notFound, methodNotAllowed, notAcceptable, alreadyExists, stateForbids,
	nodesTooOld, preconditionFailed, tooLarge, unsupportedMedia, invalidInput, preconditionRequired}

// kindOf finds a kind by its code; nil when there is none.
func kindOf(code string) *kind {
	for _, k := range kinds {
		if k.code == code {
			return k
		}
	}
	return nil
}
