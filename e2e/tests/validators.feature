Feature: Validators in processes of their own
  Validators make one chain together: it goes on while one of four is gone, takes that one back, and takes in whoever
  stakes.

  Scenario: A validator is killed and comes back, and a fifth joins
    Given a genesis with 4 staked validators, and the homes of 5 nodes
    When the nodes of the 4 validators are started
    Then all 4 commit blocks
    When the last of them is killed
    Then the others commit 5 blocks more
    When the killed one is started again
    Then it catches up, and its signature is on later blocks
    When the fifth node is started, and has caught up
    Then it has no power in the validator set, and no block has its signature
    When the fifth stakes 15000 POKT as validator
    Then it has a power of 15000 in the validator set from the second following block on, and none before
    And its signature is on later blocks
    And all 5 have committed the same blocks
    And each node ends within 5 seconds when it is interrupted
