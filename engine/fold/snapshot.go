package fold

// Snapshot is a whole state at one offset: what the ledger keeps and what a
// node starts from.
type Snapshot struct {
	Partition int32
	Next      int64 // first offset not applied
	LastAt    int64 // Unix ms of the newest record
	Version   uint8 // of the rules in force
	Rows      int64 // transitions so far: the sum of all campaigns' Ev
	Genesis   Genesis
	Digest    uint64 // must match the restored state's
	Campaigns []CampaignSnapshot
}

// Genesis says whose log a partition belongs to.
type Genesis struct {
	Cluster    [16]byte
	Partitions int32 // 0: no GENESIS record yet
}

// CampaignSnapshot is one campaign with the newest place of each member that
// is linked to it. Archived campaigns come without members.
type CampaignSnapshot struct {
	Campaign Campaign // exported fields only
	Members  []Member
}

// Member is one member's newest place.
type Member struct {
	User  User
	Place Place
}
