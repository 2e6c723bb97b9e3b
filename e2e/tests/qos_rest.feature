Feature: A relay chain that is asked by REST
  The nodes of some relay chains take REST requests, not JSON-RPC. The fisherman asks them as their applications do, and
  comes to the same verdicts.

  Scenario: The fisherman samples a chain by REST
    Given a LocalNet of its own that is asked by REST with 3 honest, 1 slow, 1 down and 1 lying servicers
    When the fisherman has sampled a whole session of chain 0001
    Then done, dropped and void checks add up to the planned ones
    And more than half of the planned checks are done
    And each honest servicer agrees with the majority in every check of a settled block
    And each honest servicer is not behind
    And each honest servicer has the verdict "healthy"
    And each slow servicer has the verdict "slow"
    And each down servicer has the verdict "unavailable"
    And each lying servicer disagrees with the majority in every decidable check
    And each lying servicer has the verdict "inconsistent"
