Feature: An Ethereum chain
  Servicers serve a real Ethereum chain, 0021, beside the network's own. The fisherman asks about heights of that chain,
  and comes to the same verdicts.

  Scenario: The fisherman samples both chains at once
    Given a LocalNet with an Ethereum chain and 3 honest, 1 slow, 1 down and 1 lying servicers
    When the fisherman has sampled a whole session of chain 0021
    Then done, dropped and void checks add up to the planned ones
    And more than half of the planned checks are done
    And each honest servicer agrees with the majority in every check of a settled block
    And each honest servicer is not behind
    And each honest servicer has the verdict "healthy"
    And each slow servicer has the verdict "slow"
    And each down servicer has the verdict "unavailable"
    And each lying servicer disagrees with the majority in every decidable check
    And each lying servicer has the verdict "inconsistent"
    When the fisherman has sampled a whole session of chain 0001
    Then more than half of the planned checks are done
    And each honest servicer has the verdict "healthy"
    And each lying servicer has the verdict "inconsistent"

  Scenario: An application asks for a balance
    Given a LocalNet with an Ethereum chain and 3 honest, 1 slow, 1 down and 1 lying servicers
    When the application asks an honest servicer for the developer's balance at height 1 of the Ethereum chain
    Then the command ends with exit code 0
    And the answer is signed by that servicer and bound to the request
    And the answer is the balance as the Ethereum node itself gives it

  Scenario: A LocalNet that is stopped leaves no Ethereum node behind
    Given the program runs a LocalNet with an Ethereum chain
    When it is asked to stop
    Then the Ethereum node is gone

  Scenario: A LocalNet that is killed leaves no Ethereum node behind
    Given the program runs a LocalNet with an Ethereum chain
    When it is killed
    Then the Ethereum node is gone
