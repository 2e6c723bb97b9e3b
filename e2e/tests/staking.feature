Feature: The life of an actor
  Whoever has the funds stakes as an actor by transaction, pauses and comes back, leaves, and has all funds back but the
  fees. Each change counts from a block that everybody can tell. Nobody comes into a session that could be seen coming.

  Background:
    Given a LocalNet with 2 honest servicers and sessions of 4 blocks

  Scenario Outline: An actor of sessions comes, pauses and leaves
    Given a new key with 15001 POKT
    When it stakes 15000 POKT as <role>
    Then it is in sessions once a whole one has passed
    And it owns 0.99 POKT
    When it pauses
    Then it is out of sessions from the following block on
    When the least time of a pause has passed
    And it unpauses
    Then it is in sessions once a whole one has passed
    When it unstakes
    Then it is out of sessions from the following block on
    And it owns 0.96 POKT
    And it owns 15000.96 POKT from the end of 8 unbonding blocks on

    Examples:
      | role        |
      | application |
      | servicer    |

  Scenario: A fisherman needs a place on the access list
    Given a new key with 15001 POKT
    And the owner has changed "session.fishermen_per_session" to "2"
    When it stakes 15000 POKT as fisherman
    Then the transaction is refused as NOT_ADMITTED
    When the owner has put it on the access list
    And it stakes 15000 POKT as fisherman
    Then it is in sessions once a whole one has passed
    When it pauses
    Then it is out of sessions from the following block on
    When the least time of a pause has passed
    And it unpauses
    Then it is in sessions once a whole one has passed
    When it unstakes
    Then it is out of sessions from the following block on
    And it owns 15000.96 POKT from the end of 8 unbonding blocks on

  Scenario: A fisherman that is taken off the access list
    Given a new key with 15001 POKT
    And the owner has changed "session.fishermen_per_session" to "2"
    When the owner has put it on the access list
    And it stakes 15000 POKT as fisherman
    Then it is in sessions once a whole one has passed
    When the owner takes it off the access list
    Then it is out of sessions from that one on
    And it owns 15000.99 POKT from the end of 8 unbonding blocks after that session on

  Scenario: A validator joins the set and leaves it
    Given the network's validator has raised its stake to 90000 POKT
    And a new key with 15001 POKT
    When it stakes 15000 POKT as validator
    Then it is in the validator set from the second following block on
    When it pauses
    Then it is out of the validator set from the second following block on
    When the least time of a pause has passed
    And it unpauses
    Then it is in the validator set from the second following block on
    When it unstakes
    Then it is out of the validator set from the second following block on
    And it owns 15000.96 POKT from the end of 8 unbonding blocks on
