/** Services cannot be had, for a reason that the operator can act on: the message says what happened and what to do next. */
export class ServicesFailed extends Error {
  override readonly name = "ServicesFailed";
}
