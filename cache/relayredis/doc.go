// Package relayredis carries live news through Redis to nodes that follow no log:
// one Pub/Sub channel for each campaign, and beside it the campaign's last account
// under a key, which a script never lets become older.
//
// Pub/Sub gives each message at most once. Nothing here tries to make more of it:
// every message says behind which event it begins, and who finds that something is
// missing reads the key. A connection that is silent for a second is asked for a
// sign of life and made anew, through Sentinel, when there is none; then every
// account is read again.
//
// Keys and channels, n being the number of the database:
//
//	fc:{campaign}:news    a campaign's account, for a day after its last change
//	fc:news:n:campaign    its channel
//	fc:news:n:            relays say that they are there
//	fc:news-asked:n       receivers name campaigns that nobody keeps
//	fc:receivers          there is somebody who receives
package relayredis
