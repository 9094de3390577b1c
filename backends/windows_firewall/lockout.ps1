# ---- the engine, guard of the ways out; the same in every script --------------------------------
# Replies to sessions from outside need no rule.

# What Test-Covered looks at; every other parameter narrows a rule.
$understood = @(
    'Name', 'DisplayName', 'Description', 'Group', 'Direction', 'Action', 'Enabled', 'Profile'
    'EdgeTraversalPolicy', 'LooseSourceMapping', 'LocalOnlyMapping', 'Protocol', 'LocalPort'
    'RemotePort', 'LocalAddress', 'RemoteAddress', 'Program', 'Service'
)

function Test-Covered {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Need,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # Whether an allow rule is for the need in every case, or a block rule may be. Parameters that
    # the rule lacks are Any.
    $protocol = ConvertTo-ProtocolText -Value "$($Rule['Protocol'])"
    if ($protocol -notin @('', 'any', $Need['Protocol'])) {
        return $false
    }
    $blocks = "$($Rule['Action'])" -eq 'Block'
    $folder = '^(.*\\windows|%systemroot%|%windir%)\\(?=system32\\)'
    $service = "$($Rule['Service'])"
    # In every culture: to Turkish ones I is no capital i.
    $program = "$($Rule['Program'])".ToLowerInvariant() -creplace $folder, ''
    if ($program -notin @('', $Need['Program']) -or
        ($service -notin @('', $Need['Service']) -and -not ($blocks -and $service -eq '*'))) {
        return $false
    }
    if (-not (Test-Port -Port $Need['Port'] -Range $Rule['RemotePort']) -or
        -not ($blocks -or (Test-Port -Port $Need['LocalPort'] -Range $Rule['LocalPort']))) {
        return $false
    }
    $narrow = @($Rule.Keys | Where-Object { $_ -notin $understood })
    # Rules for packages are for apps, none of which asks.
    if (($narrow.Count -gt 0 -and -not $blocks) -or @($narrow -like 'Package*').Count -gt 0) {
        return $false
    }
    $isAny = $Need['Address'] -eq 'any address'
    $length = (ConvertTo-AddressSpan -Address $Need['Address']).Length
    $sources = @(
        foreach ($item in $Need['Source']) {
            if ($isAny -or (ConvertTo-AddressSpan -Address $item).Length -eq $length) {
                $item
            }
        }
    )
    $own = @($Rule['LocalAddress'] | Where-Object { "$_" -notin @('', 'Any') })
    $from = @($sources | Where-Object { Test-Within -Address $_ -Range $own })
    if ($own.Count -gt 0 -and $from.Count -eq 0 -and -not ($blocks -and $sources.Count -eq 0)) {
        return $false
    }
    $to = @($Rule['RemoteAddress'] | Where-Object { "$_" -ne '' })
    $words = @($to | Where-Object { (ConvertTo-AddressSpan -Address $_) -notmatch '^[0-9A-F]+-' })
    $named = $Rule.ContainsKey('RemoteDynamicKeywordAddresses')
    $right = @($words | Where-Object { $_ -in @('Any', $Need['Keyword']) })
    if (($to.Count -eq 0 -and -not $named) -or $right.Count -gt 0) {
        return $true
    }
    if ($isAny) {
        return -not $blocks
    }
    ($blocks -and ($named -or $words.Count -gt 0)) -or
    (Test-Within -Address $Need['Address'] -Range $to)
}

function Get-LockOut {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        # The rules of ours that there will be.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        # Whether whatever no rule blocks passes.
        [Parameter(Mandatory = $true)]
        [bool] $IsOpen
    )
    # What the server needs and could not reach, if nothing allowed it beside those rules but what
    # is in force now. Allow rules count if they act in every profile of the policy: a server is in
    # that of the domain only once it has reached a controller. What a Group Policy object allows
    # has to be in it: servers may ignore their own rules.
    $where = 'ActiveStore'
    if ($Store -eq 'PersistentStore') {
        $names = @($Policy['Profile'] -split ', ')
        $ignoring = @(
            foreach ($item in @(Get-NetFirewallProfile -PolicyStore $where -ErrorAction Stop)) {
                if ("$($item.AllowLocalFirewallRules)" -eq 'False' -and
                    ($names[0] -eq 'Any' -or $item.Name -in $names)) {
                    $item.Name
                }
            }
        )
        if ($ignoring.Count -gt 0 -and -not $IsOpen) {
            $text = 'what the policy''s rules allow, since Group Policy has local rules ignored'
            return ('{0} (AllowLocalFirewallRules, {1})' -f $text, ($ignoring -join ', '))
        }
        $needs = @(Get-Need)
    }
    else {
        $where = $Store
        $needs = @(Get-PolicyNeed -Store $Store)
    }
    if ($needs.Count -eq 0) {
        return
    }
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store $where
    $every = @(Get-NetFirewallRule -PolicyStore $where -ErrorAction Stop)
    $own = Get-OwnRule -Policy $Policy -Rule $every
    $out = @(
        $Wanted
        foreach ($item in $every) {
            # Restrictions of Windows' services are asked for apart from all this, and rules that
            # somebody made in the active store are gone after the next start.
            $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
            $counts = $source -ne 'Hardcoded' -and
                ("$($item.Action)" -eq 'Block' -or $source -notin @('Dynamic', 'Generated'))
            if ($counts -and -not $own.ContainsKey("$($item.Name)") -and
                "$($item.Direction)" -eq 'Outbound') {
                Get-LiveValue -Rule $item -Index $index -Field $fields
            }
        }
    )
    $out = @(
        $out | Where-Object { $_['Direction'] -eq 'Outbound' -and "$($_['Enabled'])" -ne 'False' } |
            Where-Object { $_['Action'] -eq 'Block' -or (Test-ProfileOf -Rule $_ -Policy $Policy) }
    )
    $known = @{}
    $missing = @(
        foreach ($need in $needs) {
            $address = $need['Address']
            if (-not $known.ContainsKey($address)) {
                $known[$address] = $Policy['Address']
                if ($Store -eq 'PersistentStore' -and $address -ne '') {
                    $known[$address] = @(Get-SourceAddress -Address $address)
                }
            }
            if (-not $need.ContainsKey('Source')) {
                $need['Source'] = $known[$address]
            }
            $found = @{ Allow = $false; Block = $false }
            foreach ($rule in $out) {
                $action = "$($rule['Action'])" -replace '^$', 'Allow'
                if (-not $found[$action] -and $address -ne '' -and
                    (Test-Covered -Need $need -Rule $rule)) {
                    $found[$action] = $true
                }
            }
            if ($found['Block'] -or -not ($IsOpen -or $found['Allow'])) {
                $need
            }
        }
    )
    $lost = @($missing | ForEach-Object { $_['Address'] })
    $kept = @($needs | Where-Object { $_['AnyOf'] -and $_['Address'] -notin $lost })
    $lacking = @($missing | Where-Object { $kept.Count -eq 0 -or -not $_['AnyOf'] })
    $texts = foreach ($need in $lacking) {
        $text = '{0} {1} {2}/{3}' -f $need['For'], $need['Address'], $need['Protocol'],
        $need['Port']
        $text -replace '  TCP/0$', ''
    }
    $texts | Select-Object -Unique
}

function Assert-Reachable {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Plan,

        # Rules of ours, then and now.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Setting,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [bool] $AllowLockOut
    )
    # Of a plan after which outbound traffic is blocked, whoever blocks it, or that has block rules
    # of its own.
    $isLocal = $Store -eq 'PersistentStore'
    $after = $Setting.Clone()
    $locks = @(
        foreach ($change in $Plan) {
            if ($change['Kind'] -eq 'Setting' -and $change['Name'] -like 'Outbound *') {
                $after[$change['Name']] = $change['Value']
                $change['Value'] | Where-Object { $_ -eq 'Block' }
            }
        }
    )
    if ($isLocal) {
        # That of Group Policy is in force, whatever the server's own is.
        foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
            $name = 'Outbound {0}' -f $item.Name
            if ("$($item.DefaultOutboundAction)" -eq 'Block' -and $Setting[$name] -ne 'Block') {
                $after[$name] = 'Block'
            }
        }
    }
    $names = @($Policy['Profile'] -replace '^Any$', 'Domain, Private, Public') -split ', '
    $blocked = @($names | Where-Object { $after["Outbound $_"] -eq 'Block' })
    $blocks = @(
        $Plan | Where-Object { $_['Kind'] -in @('NewRule', 'SetRule') } |
            Where-Object { $_['Rule']['Direction'] -eq 'Outbound' } |
            Where-Object { "$($_['Rule']['Action'])" -eq 'Block' }
    )
    if ($Plan.Count -eq 0 -or $blocked.Count + $blocks.Count -eq 0) {
        return
    }
    $isOpen = $blocked.Count -eq 0
    $server = 'this server'
    if (-not $isLocal) {
        $server = 'a server of this Group Policy object'
    }
    if (-not $isLocal -and $locks.Count -gt 0) {
        $text = 'Every computer that {0} is linked to will block outbound traffic.'
        Write-Warning -Message ($text -f $Store)
    }
    $parameters = @{ Policy = $Policy; Store = $Store; IsOpen = $isOpen }
    $lost = @(Get-LockOut -Wanted $Wanted @parameters)
    $range = $Policy['Address']
    $others = @(Get-OwnAddress | Where-Object { -not (Test-Within -Address $_ -Range $range) })
    if ($isLocal -and $locks.Count -gt 0 -and $others.Count -gt 0) {
        $lost += 'anything from {0}, for which the policy has no rules' -f ($others -join ', ')
    }
    if ($lost.Count -gt 0 -and $locks.Count -eq 0) {
        # It may be so already.
        $before = @(Get-LockOut -Wanted $Live @parameters)
        $lost = @($lost | Where-Object { $_ -notin $before })
    }
    if ($lost.Count -eq 0) {
        return
    }
    $why = @('outbound traffic blocked', 'the policy''s block rules')[[int] $isOpen]
    $text = 'With {0} {1} could not reach: {2}.' -f $why, $server, ($lost -join ', ')
    if (-not $AllowLockOut) {
        throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
    }
    Write-Warning -Message $text
}
