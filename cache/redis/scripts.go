package redis

import (
	_ "embed"

	driver "github.com/redis/go-redis/v9"
)

var (
	//go:embed keep.lua
	keepSource string
	//go:embed append.lua
	appendSource string

	keepScript   = driver.NewScript(keepSource)
	appendScript = driver.NewScript(appendSource)
)
