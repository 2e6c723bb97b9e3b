Feature: Any RPC endpoints, no chain
  A fisherman samples a list of RPC endpoints, of which it knows the URLs and nothing else: no chain, no stake, no key.

  Scenario: Nodes of real chains, and what is wrong with some of them
    Given a LocalNet with an Ethereum chain and 3 honest, 1 slow, 1 down and 1 lying servicers
    And a fisherman of endpoints in front of its nodes, of which one is slow, one lags, one is down and one lies
    When the fisherman of endpoints has sampled a whole session of each group
    Then the targets of group ethereum have the verdicts: node-1 healthy, node-2 healthy, node-3 healthy, slow slow, lagging behind, down unavailable, lying inconsistent
    And the targets of group pocket have the verdicts: rpc-1 healthy, rpc-2 healthy, rpc-3 healthy
    And the chain of group ethereum is found to be that of 1337, and that of group pocket to be the LocalNet's
    When it is asked to check target lying of group ethereum
    Then the check tells of node-1 and of down what they did
    When its evidence is saved and verified
    Then the evidence does not contradict itself, and proves nothing
    And no output, log or file of it has a secret

  Scenario: The configuration is read again
    Given a LocalNet with an Ethereum chain and 3 honest, 1 slow, 1 down and 1 lying servicers
    And a fisherman of endpoints in front of one of its nodes
    When its configuration is replaced by one with a mistake, and it is sent SIGHUP
    Then it says what is wrong, and goes on as before
    When its configuration has one target more, and it is sent SIGHUP
    Then the next session has both targets
    When its configuration has one group more, and nobody tells it
    Then it samples that group as well

  Scenario: A target stops, comes back, and people are told of both
    Given a LocalNet with an Ethereum chain and 3 honest, 1 slow, 1 down and 1 lying servicers
    And a fisherman of endpoints in front of its nodes, which tells a webhook and a receiver that hangs
    When target node-3 stops
    Then the webhook is sent one message, that node-3 is unavailable
    When target node-3 comes back
    Then the webhook is sent one message more, that node-3 is healthy
    And no output, log or file of it has a secret
