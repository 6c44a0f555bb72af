/** How long after the end of the moments of one process another one begins that joins it, ms. */
export const joinMs = 1_000;

/** How late one may leave while no other process takes from the connection's rate, ms: all that is late has left before another one begins. */
export const aloneLateMs = 900;

/** How late one may leave while others take their moments too, ms: together with the way to the network server less than the 64 ms that the pace leaves in a second. */
export const togetherLateMs = 45;
