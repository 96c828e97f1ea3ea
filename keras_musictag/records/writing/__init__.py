"""Inside `prepare`: what is asked, one shard, the processes that write shards, and the tables at the end."""
