Feature: A servicer that cannot answer
  A servicer signs why it has no answer, also when that is the fault of the node behind it, or of nobody.

  Scenario: A servicer before its first block, with a node that fails, and with too much to do
    Given a servicer with a node of the chain of its own, and a relay node that this story plays
    When the servicer is started before its chain
    And a relay is sent to it
    Then the servicer refuses it as NOT_READY, signed and bound to the request
    When the validator of its chain is started, and the servicer follows
    And a relay is sent to it
    Then the servicer answers it with what the relay node said
    When the relay node breaks off, and a relay is sent
    Then the servicer refuses it as UPSTREAM_UNREACHABLE, signed and bound to the request
    When the relay node answers more than a servicer passes on, and a relay is sent
    Then the servicer refuses it as UPSTREAM_TOO_LARGE, signed and bound to the request
    When the relay node answers a web page, and a relay is sent
    Then the servicer refuses it as UPSTREAM_NOT_JSON, signed and bound to the request
    When the relay node does not answer, and a relay is sent
    Then the servicer refuses it as UPSTREAM_TIMEOUT, signed and bound to the request
    When 160 relays are sent at once, and the relay node waits until 32 are refused
    Then the other 128 are answered, and those 32 are refused as BUSY
