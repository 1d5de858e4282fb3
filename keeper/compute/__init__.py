"""Workers for the sums of many accounts: threads of one machine, processes of a cluster."""
