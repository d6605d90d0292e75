/** Environment variables with the prefix that is ours alone. */
export const OWN_PREFIX = 'HOTSHARD_';

/** Names the config file, as does the flag `--config`. */
export const CONFIG_FILE_NAME = 'HOTSHARD_CONFIG';

/** Names the service that client commands talk to, as does the flag `--url`. */
export const URL_NAME = 'HOTSHARD_URL';
