@shannon
Feature: The live Pocket network
  A gateway's fisherman samples the suppliers of an application's sessions. The far side is the live network's own software:
  a validator and RelayMiners.

  Scenario: Real RelayMiners are sampled
    Given a Shannon network with 3 honest, 1 slow, 1 down and 1 lying suppliers
    And a fisherman with the gateway's key samples the application's sessions
    When it has sampled 2 whole sessions
    Then done, dropped and void checks add up to the planned ones
    And the report has each supplier of the session, with its owner and URL
    And each honest supplier has the verdict "healthy"
    And each slow supplier has the verdict "slow"
    And each down supplier has the verdict "unavailable"
    And each lying supplier has the verdict "inconsistent"
    And the evidence of the fisherman's session verifies without a node

  Scenario: A supplier that unstakes is sampled to the end of the session
    Given a Shannon network with 4 honest, 0 slow, 0 down and 0 lying suppliers
    And a fisherman with the gateway's key samples the application's sessions
    When it has sampled 1 whole session
    And an honest supplier unstakes
    And the session after that is complete
    Then the supplier is not in it
    And each honest supplier has the verdict "healthy"

  Scenario: A gateway that the application has left blames nobody
    Given a Shannon network with 3 honest, 0 slow, 0 down and 0 lying suppliers
    And a fisherman with the gateway's key samples the application's sessions
    When it has sampled 1 whole session
    And the application undelegates from the gateway
    Then no supplier is blamed in later sessions

  Scenario: The budget ends the checks
    Given a Shannon network with 3 honest, 0 slow, 0 down and 0 lying suppliers
    And a fisherman with the gateway's key samples the application's sessions for at most 60000 uPOKT each
    When it has sampled 1 whole session
    Then done, dropped and void checks add up to the planned ones
    And checks are dropped for the cause "BUDGET"
    And each honest supplier has at most 4 samples
