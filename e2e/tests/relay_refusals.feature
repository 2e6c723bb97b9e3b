Feature: Refused relays
  A servicer says why it does not answer, under its signature, with a code for each cause.

  Scenario Outline: A servicer refuses a relay
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers
    When a relay is sent that <is wrong>
    Then the servicer refuses it as <code>, signed and bound to the request

    Examples:
      | is wrong                                 | code                   |
      | is too large                             | TOO_LARGE              |
      | is no envelope                           | MALFORMED              |
      | holds something that is not JSON-RPC     | MALFORMED              |
      | is addressed to another servicer         | WRONG_SERVICER         |
      | is for a session to come                 | SESSION_NOT_CURRENT    |
      | is for a chain that it does not serve    | CHAIN_NOT_SERVED       |
      | is for an application that is not staked | APPLICATION_NOT_STAKED |
      | names another session id                 | NOT_IN_SESSION         |
      | was answered before                      | REPLAYED               |
      | is signed by a stranger                  | SIGNER_NOT_ALLOWED     |
      | was altered after it was signed          | BAD_SIGNATURE          |

  Scenario: An application asks for more than its stake allows
    Given a LocalNet with 2 honest servicers and sessions of 4 blocks
    And the owner has changed "stake.application_minimum_upokt" to "1000000"
    When the owner stakes 1 POKT as application, and relays a batch of 60 requests
    Then the servicer refuses it as OVER_ALLOWANCE, signed and bound to the request
